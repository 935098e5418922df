//! From a configuration file to an exit code.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use heka_plugin::PluginDef;
use heka_queue::SyncMode;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};

use crate::config::{self, Hekad, QueueSync};
use crate::gate::Gate;
use crate::import::{self, Imported, Places};
use crate::loader::{self, Plan};
use crate::log::Logger;
use crate::pid_file;
use crate::pipeline::{Pipeline, Shared};
use crate::queues::{Lock, Queues};
use crate::shutdown::{Shutdown, Wake};
use crate::signals;

/// Exit code of a failed start and of every internal failure.
const FAILED: i32 = 1;
/// `[hekad] shutdown_timeout` when it is not given.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs hekad with the configuration at `config_path` and the plugin types `defs`; returns the exit code.
pub fn run(config_path: &Path, defs: &[&'static PluginDef]) -> i32 {
    let logger = Logger::default();
    match start_and_run(config_path, defs, &logger) {
        Ok(code) => code,
        Err(text) => {
            logger.error(&text);
            FAILED
        }
    }
}

fn start_and_run(config_path: &Path, defs: &[&'static PluginDef], logger: &Logger) -> Result<i32, String> {
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
    let plan = loader::load(&loaded.files, defs, &globals, logger)
        .map_err(|text| format!("Error reading config:  {text}"))?;
    let timeout = hekad.shutdown_timeout().unwrap_or(SHUTDOWN_TIMEOUT);
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
        live_decoders: Arc::default(),
        live_splitters: Arc::default(),
        catalog: plan.catalog.clone(),
        queue_sync: sync_mode(hekad),
        full_buffer_max_retries: hekad.full_buffer_max_retries,
        queue_max_size_bytes: hekad.queue_max_size,
    };
    logger.info("Starting hekad...");
    let _signals = signals::listen(wake).map_err(|error| error.to_string())?;
    let pipeline = Pipeline::start(plan, shared)?;
    let code = serve(&pipeline, &woken, logger);
    logger.info("Shutdown initiated.");
    pipeline.stop(Instant::now() + timeout);
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
fn serve(pipeline: &Pipeline, woken: &Receiver<Wake>, logger: &Logger) -> i32 {
    loop {
        match woken.recv() {
            Ok(Wake::Signal(SIGINT | SIGTERM)) => return 0,
            Ok(Wake::Shutdown(code)) => return code,
            Ok(Wake::Signal(SIGHUP)) => {
                logger.info("Reload initiated.");
                if !pipeline.reload() {
                    logger.error("Error sending reload event:  E_NOT_FOUND");
                }
            }
            Ok(Wake::Signal(SIGUSR1)) => {
                logger.info("Queue report initiated.");
                logger.error(&pipeline.report());
            }
            Ok(Wake::Signal(SIGUSR2)) => {
                logger.info("Sandbox abort initiated.");
                if !pipeline.takes_messages() {
                    logger.error(&pipeline.report());
                    return FAILED;
                }
                logger
                    .error("Can't save sandboxes while router is processing messages, use regular shutdown.");
            }
            Ok(Wake::Signal(_)) => {}
            Err(_) => return FAILED,
        }
    }
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
