//! Taking over what an old hekad (0.10, 0.11) left in `base_dir/output_queue`.
//!
//! There every buffered filter and output had a folder of its own, with the messages that matched and were not delivered
//! yet. They belong to that reader only: the others got theirs. So they are copied to a queue that only this reader reads,
//! before the shared ones, and the old folder is moved to `base_dir/output_queue.imported`.
//!
//! | module | holds |
//! |---|---|
//! | `checkpoint` | `checkpoint.txt` |
//! | `scan` | records in a file that may be damaged |
//! | [`folder`] | an old queue folder and where to begin in it |
//! | [`places`] | the names of folders in `base_dir` |
//! | [`take_over`] | copy and move, in steps that a crash cannot tear |
//! | [`imported`] | the queues of imported records while hekad runs |
//! | [`survey`] | what an import would do |
//! | [`start`] | what a start of hekad and `hekad import` do |

mod checkpoint;
pub mod folder;
pub mod imported;
pub mod places;
mod scan;
pub mod start;
pub mod survey;
pub mod take_over;

pub use folder::{OldFolder, Undelivered};
pub use imported::Imported;
pub use places::Places;
pub use scan::Damage;
pub use start::{Report, import};
pub use survey::{Survey, survey};
pub use take_over::{ImportError, Taken};
