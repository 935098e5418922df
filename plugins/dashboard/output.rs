//! Shows what hekad does: files as Heka's dashboard had them, a page of its own, and metrics.

mod admin;
mod api;
mod body;
mod files;
mod folder;
mod history;
mod open_file;
mod page;
mod site;
mod tap;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use heka_plugin::config::Pairs;
use heka_plugin::output::OutputPlugin;
use heka_plugin::{
    ConfigError, Context, Log, Output, OutputDefaults, PluginDef, Record, SendError, Stop, Telemetry,
    registry,
};
use hyper::header::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;

use self::folder::Folder;
use self::history::History;
use self::site::Site;
use crate::http_server::reply_headers;

pub use self::admin::listen as listen_admin;

/// The row of this plugin.
pub static DEF: PluginDef = registry::output::<DashboardOutput>();

/// Where Heka keeps its page below `share_dir`.
const STATIC_DIRECTORY: &str = "dasher";
/// Figures are kept so often for the curves of the page.
const SAMPLE_EVERY: Duration = Duration::from_secs(5);

/// Shows in a browser what hekad does.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename = "dasher.DashboardOutputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen, as `host:port`. Without a host it is everywhere: whoever reaches the port can read what hekad does,
    /// messages included.
    pub address: String,
    /// Directory of a page that is served at `/`, below `share_dir` unless it is absolute; its files are copied into
    /// `working_directory`. When it is not given, `dasher` is taken if it is there. hekad's own page is at `/hekad/`, and at
    /// `/` when there is no other.
    pub static_directory: Option<String>,
    /// Directory that is served: what it shows is written there. Below `base_dir` unless it is absolute. At the start all
    /// files in it whose names have a dot are removed, but not those in its subfolders.
    pub working_directory: String,
    /// Headers of every reply; each has a list of values.
    pub headers: Pairs<Vec<String>>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            address: "127.0.0.1:4352".into(),
            static_directory: None,
            working_directory: "dashboard".into(),
            headers: Pairs::default(),
        }
    }
}

/// Serves a folder of files over HTTP and keeps in it what messages tell: `data/heka_report.json` (`heka.all-report`, which it
/// asks for every `ticker_interval`), a file for each output of a sandbox (`heka.sandbox-output`) with `data/sandboxes.json` as
/// the list of them, and `data/heka_sandbox_termination.tsv`. It also serves a page that shows them, `/metrics`, `/health` and
/// `/ready`.
pub struct DashboardOutput {
    address: String,
    headers: HeaderMap,
    working_directory: PathBuf,
    /// `None` only in an instance that is a mere check of options.
    folder: Option<Folder>,
    telemetry: Arc<dyn Telemetry>,
    history: Arc<Mutex<History>>,
    sampled_at: Option<Instant>,
    log: Arc<dyn Log>,
    /// Ends the server. `None`: it was not started yet.
    server: Option<Stop>,
}

impl OutputPlugin for DashboardOutput {
    type Config = Config;
    const NAME: &'static str = "DashboardOutput";
    const DEFAULTS: OutputDefaults = OutputDefaults {
        message_matcher: Some(
            "Type == 'heka.all-report' || Type == 'heka.sandbox-terminated' || Type == 'heka.sandbox-output'",
        ),
        ticker_interval_s: 5,
        reads_message: true,
        outlives_process: true,
        ..OutputDefaults::USUAL
    };

    fn open(config: Config, context: &Context) -> Result<DashboardOutput, ConfigError> {
        let globals = &context.globals;
        let working_directory = globals.in_base_dir(&config.working_directory);
        let headers = reply_headers(&config.headers)?;
        let page = match &config.static_directory {
            Some(path) => Some(globals.in_share_dir(path)),
            None => Some(globals.in_share_dir(STATIC_DIRECTORY)).filter(|path| path.is_dir()),
        };
        let folder = if context.only_check {
            folder::check(page.as_deref()).map_err(ConfigError::Init)?;
            None
        } else {
            Some(Folder::prepare(&working_directory, page.as_deref()).map_err(ConfigError::Init)?)
        };
        if let (None, Some(page), false) = (&config.static_directory, &page, context.only_check) {
            context.log.info(&format!("the page in {} is at /, hekad's own at /hekad/", page.display()));
        }
        Ok(DashboardOutput {
            address: config.address,
            headers,
            working_directory,
            folder,
            telemetry: context.telemetry.clone(),
            history: Arc::default(),
            sampled_at: None,
            log: context.log.clone(),
            server: None,
        })
    }
}

impl DashboardOutput {
    /// Starts to serve. That is not done when the instance is made, as hekad may not start after all.
    fn serve(&mut self) {
        let stop = Stop::new();
        let site = Site {
            root: Some(self.working_directory.clone()),
            headers: self.headers.clone(),
            telemetry: self.telemetry.clone(),
            history: self.history.clone(),
            taps: Arc::default(),
            local: admin::is_local(&self.address),
            stop: stop.clone(),
        };
        if let Err(why) = admin::start(&self.address, Arc::new(site), self.log.clone(), &stop) {
            self.log.error(&why);
        }
        self.server = Some(stop);
    }
}

impl Output for DashboardOutput {
    fn send(&mut self, batch: &[Record<'_>], _: &Stop) -> Result<(), SendError> {
        if let Some(folder) = &mut self.folder {
            for why in folder.take(batch.iter().map(|record| record.message)) {
                self.log.error(&why);
            }
        }
        Ok(())
    }

    fn tick(&mut self, _: i64) -> Result<(), SendError> {
        self.telemetry.request_report();
        Ok(())
    }

    fn idle(&mut self, _: i64) -> Result<(), SendError> {
        if self.server.is_none() {
            self.serve();
        }
        if self.sampled_at.is_none_or(|at| at.elapsed() >= SAMPLE_EVERY)
            && let Some(figures) = self.telemetry.snapshot()
        {
            self.sampled_at = Some(Instant::now());
            self.history.lock().unwrap_or_else(PoisonError::into_inner).add(&figures);
        }
        Ok(())
    }

    fn stop(&mut self) {
        if let Some(server) = &self.server {
            server.request();
        }
    }
}

impl Drop for DashboardOutput {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests;
