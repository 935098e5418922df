//! The input as a whole: real files, and an inlet that splits lines and gives receipts as it is told.

mod begin;
mod gzip;
mod rig;
mod rotate;
mod save;
mod speed;
mod stale;
mod trouble;
