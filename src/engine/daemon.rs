//! From a configuration file to an exit code.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use heka_plugin::{PluginDef, Stop};
use heka_queue::SyncMode;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};

use crate::admin;
use crate::admin::report::Report;
use crate::admin::roster::Roster;
use crate::config::{self, Hekad, QueueSync};
use crate::dead_letters::store::Bound;
use crate::gate::Gate;
use crate::import::{self, Imported, Places};
use crate::loader::{self, Draft, Plan};
use crate::log::Logger;
use crate::pid_file;
use crate::pipeline::{Pipeline, Shared};
use crate::queues::{Lock, Queues};
use crate::reload::{Prints, Reloader, Running, Wakes};
use crate::shutdown::{Shutdown, Wake};
use crate::signals;

/// Exit code of a failed start and of every internal failure.
const FAILED: i32 = 1;
/// `[hekad] shutdown_timeout` when it is not given.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

/// How long plugins are waited for by a report.
const REPORT_PATIENCE: Duration = Duration::from_millis(500);

/// Runs hekad with the configuration at `config_path` and the plugin types `defs`; returns the exit code. `listen` serves
/// `[hekad] admin_address`.
pub fn run(config_path: &Path, defs: &[&'static PluginDef], listen: admin::Listen) -> i32 {
    let logger = Logger::default();
    match start_and_run(config_path, defs, listen, &logger) {
        Ok(code) => code,
        Err(text) => {
            logger.error(&text);
            FAILED
        }
    }
}

fn start_and_run(
    config_path: &Path,
    defs: &[&'static PluginDef],
    listen: admin::Listen,
    logger: &Logger,
) -> Result<i32, String> {
    let loaded = config::load(config_path).map_err(|error| {
        if let Some(place) = error.place() {
            let option = place.option.map(|option| format!(", option `{option}`")).unwrap_or_default();
            logger.info(&format!("{}:{}{option} is refused", place.file.display(), place.line));
        }
        format!("Error reading config:  {error}")
    })?;
    let hekad = &loaded.hekad;
    logger.set_flags(hekad.log_flags);
    hekad.check()?;
    let base_dir = Path::new(&hekad.base_dir);
    make_base_dir(base_dir)?;
    // Before any plugin is made: those of a second hekad would open the files of the first.
    let lock = Lock::take(base_dir).map_err(|error| error.to_string())?;
    let _pid_file = match hekad.pid_file.as_str() {
        "" => None,
        path => pid_file::write(Path::new(path), logger)?,
    };
    check_profiles(hekad, logger)?;
    no_effect(hekad, logger);
    let globals = Arc::new(hekad.globals(&system_hostname()));
    let sections = loader::sections(&loaded.files, defs).unwrap_or_default();
    // Before anything is made of them: a script that changes in between counts as changed at the next reload.
    let prints = Prints::of(&sections, &globals);
    let plan = loader::load(&loaded.files, defs, &globals, logger)
        .map_err(|text| format!("Error reading config:  {text}"))?;
    let (wake, woken) = channel();
    let shutdown = Shutdown::new(wake.clone());
    let mut queues = Queues::open_locked(lock, base_dir, sync_mode(hekad), hekad.queue_segment_size, logger)
        .map_err(|error| error.to_string())?;
    take_over(&plan, &mut queues, hekad, logger);
    let shared = Shared {
        globals,
        logger: logger.clone(),
        queues: Arc::new(queues),
        shutdown,
        gate: Arc::new(Gate::default()),
        entries: Arc::default(),
        relief: Arc::default(),
        roster: Roster::default(),
        live_decoders: Arc::default(),
        live_splitters: Arc::default(),
        catalog: plan.catalog.clone(),
        queue_sync: sync_mode(hekad),
        full_buffer_max_retries: hekad.full_buffer_max_retries,
        queue_max_size_bytes: hekad.queue_max_size,
        dead_letters: Bound { max_bytes: hekad.dead_letters_max_size, sync: sync_mode(hekad) },
    };
    logger.info("Starting hekad...");
    let _signals = signals::listen(wake).map_err(|error| error.to_string())?;
    let draft = Draft { catalog: plan.catalog.clone(), sections };
    let (board, admin_address) = (plan.catalog.board.clone(), hekad.admin_address.clone());
    let shutdown = shared.shutdown.clone();
    let mut pipeline = Pipeline::start(plan, shared)?;
    let running = Running { loaded, draft, prints };
    let mut reloader = Reloader {
        path: config_path,
        defs,
        logger,
        shutdown,
        running,
        before: None,
        number: 0,
        undone: None,
    };
    let asked = Stop::new();
    if !admin_address.is_empty() {
        listen(&admin_address, board, logger.source("admin", &admin_address), &asked)?;
    }
    let code = serve(&mut pipeline, &mut reloader, &mut Wakes::new(woken), logger);
    let timeout = reloader.shutdown_timeout().unwrap_or(SHUTDOWN_TIMEOUT);
    logger.info("Shutdown initiated.");
    pipeline.stop(Instant::now() + timeout);
    asked.request();
    logger.info("Shutdown complete.");
    Ok(code)
}

/// Takes over what an old hekad left for the readers of the plan.
fn take_over(plan: &Plan, queues: &mut Queues, hekad: &Hekad, logger: &Logger) {
    let base_dir = Path::new(&hekad.base_dir);
    let readers = plan.readers().map(|reader| reader.name.as_str());
    let segment_size = hekad.queue_segment_size;
    import::import(base_dir, readers.clone(), &queues.cursors, segment_size, logger);
    queues.imported = Imported::open(&Places::of(base_dir), readers, logger);
}

/// Answers signals until hekad is to end; returns the exit code.
fn serve(pipeline: &mut Pipeline, reloader: &mut Reloader<'_>, wakes: &mut Wakes, logger: &Logger) -> i32 {
    loop {
        match wakes.next() {
            Some(Wake::Signal(SIGINT | SIGTERM)) => return 0,
            Some(Wake::Shutdown(code)) => return code,
            Some(Wake::Undo { reload, code }) => {
                if !reloader.undo(reload, pipeline, wakes) {
                    return code;
                }
            }
            Some(Wake::Signal(SIGHUP)) => {
                logger.info("Reload initiated.");
                // First, whatever becomes of the configuration: log files may have been moved away.
                let reopens = pipeline.reopen();
                if !reloader.reload(pipeline, wakes) && !reopens {
                    logger.error("Error sending reload event:  E_NOT_FOUND");
                }
            }
            Some(Wake::Signal(SIGUSR1)) => {
                logger.info("Queue report initiated.");
                logger.error(&report(pipeline));
            }
            Some(Wake::Signal(SIGUSR2)) => {
                logger.info("Sandbox abort initiated.");
                if !pipeline.takes_messages() {
                    logger.error(&report(pipeline));
                    return FAILED;
                }
                logger
                    .error("Can't save sandboxes while router is processing messages, use regular shutdown.");
            }
            Some(Wake::Signal(_)) => {}
            None => return FAILED,
        }
    }
}

/// The report that SIGUSR1 asks for.
fn report(pipeline: &Pipeline) -> String {
    Report::gather(pipeline.shared(), Instant::now() + REPORT_PATIENCE).text()
}

fn make_base_dir(base_dir: &Path) -> Result<(), String> {
    let mut made = std::path::PathBuf::new();
    for part in base_dir.components() {
        made.push(part);
        if made.is_dir() {
            continue;
        }
        if let Err(error) = std::fs::create_dir(&made)
            && !made.is_dir()
        {
            // Go names the first part of the path that stands in the way.
            let error = if made.exists() { std::io::ErrorKind::NotADirectory.into() } else { error };
            let why = config::os_error::describe("mkdir", &made, &error);
            return Err(format!("Error creating 'base_dir' {}: {why}", base_dir.display()));
        }
    }
    Ok(())
}

/// `cpuprof` and `memprof` name files for Go's profiler, which does not exist here. As in Heka a `cpuprof` that cannot be
/// created keeps hekad from starting.
fn check_profiles(hekad: &Hekad, logger: &Logger) -> Result<(), String> {
    if !hekad.cpuprof.is_empty() {
        let path = Path::new(&hekad.cpuprof);
        std::fs::File::create(path).map_err(|error| config::os_error::describe("open", path, &error))?;
    }
    if !hekad.cpuprof.is_empty() || !hekad.memprof.is_empty() {
        logger.info("[hekad] without effect, this hekad writes no Go profiles: cpuprof, memprof");
    }
    Ok(())
}

/// Options of a pool and channels that no longer exist.
fn no_effect(hekad: &Hekad, logger: &Logger) {
    let given = hekad.without_effect();
    if !given.is_empty() {
        logger
            .info(&format!("[hekad] without effect, there is no pool and no channel: {}", given.join(", ")));
    }
}

fn sync_mode(hekad: &Hekad) -> SyncMode {
    match hekad.queue_sync() {
        Some(QueueSync::Interval) => SyncMode::Interval,
        Some(QueueSync::None) => SyncMode::None,
        Some(QueueSync::Ack) | None => SyncMode::Ack,
    }
}

/// What the system calls this host.
fn system_hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim_end().to_string()
}
