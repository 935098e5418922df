//! From configuration sections to plugin instances: which sections there are, which types they name, whether their
//! options are good. All problems are reported, each once, before hekad gives up.

mod catalog;
mod check;
mod draft;
mod instances;
mod order;
mod preload;
mod refusal;

pub use catalog::{Catalog, MadeEncoder, Section};
pub use check::{Checked, accumulator_name, check};
pub use draft::{Draft, sections};
pub use instances::{FilterPlan, InputPlan, OutputPlan, Plan, ReaderOptions, filter_plan, load};
pub use preload::{Preloaded, Problem};
