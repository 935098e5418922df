//! Peers that are measured in the same run.

use std::fs::File;
use std::io;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use heka_compat::program::workspace;
use heka_testkit::access_log::LOG_FORMAT;
use heka_testkit::patience::wait_until;
use heka_testkit::usage::{cpu_time_of_ended_children, memory};

use crate::inputs::Inputs;
use crate::measure::Measured;

const LIMIT: Duration = Duration::from_secs(600);

/// `gzip -6` of the log: work that every machine can do.
pub(crate) fn gzip(inputs: &Inputs) -> anyhow::Result<Measured> {
    let mut command = Command::new("gzip");
    command.args(["-6", "-c"]).stdin(File::open(&inputs.log)?).stdout(Stdio::null());
    measure(command, inputs).context("gzip")
}

/// The nginx grammar of this project in a bare loop, in PUC Lua 5.1 with the C LPeg; `None` when they are not installed.
pub(crate) fn lua(inputs: &Inputs) -> anyhow::Result<Option<Measured>> {
    let root = workspace();
    let command = || {
        let mut command = Command::new("lua5.1");
        // The double semicolon keeps the default path.
        command.env("LUA_PATH", format!("{}/lua_modules/?.lua;;", root.display())).stdin(Stdio::null());
        command
    };
    let present = command().args(["-e", "require 'lpeg'"]).stderr(Stdio::null()).status();
    match present {
        Ok(status) if status.success() => {}
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let mut loop_over_log = command();
    loop_over_log.arg(root.join("compat/bench/nginx_loop.lua")).arg(&inputs.log).arg(LOG_FORMAT);
    loop_over_log.arg(inputs.lines.to_string()).stdout(Stdio::null());
    measure(loop_over_log, inputs).context("lua5.1").map(Some)
}

fn measure(mut command: Command, inputs: &Inputs) -> anyhow::Result<Measured> {
    let before = cpu_time_of_ended_children().unwrap_or_default();
    let start = Instant::now();
    let mut child = command.spawn()?;
    let (mut peak, mut anonymous, mut status) = (0, 0, None);
    wait_until(LIMIT, || {
        if let Some(memory) = memory(child.id()) {
            peak = peak.max(memory.peak);
            anonymous = anonymous.max(memory.anonymous);
        }
        status = child.try_wait().ok().flatten();
        status.is_some()
    });
    let status = status.with_context(|| format!("not done within {LIMIT:?}"))?;
    anyhow::ensure!(status.success(), "{status}");
    let after = cpu_time_of_ended_children().unwrap_or_default();
    Ok(Measured {
        messages: inputs.lines,
        cpu: after.saturating_sub(before),
        wall: start.elapsed(),
        peak,
        anonymous,
        remark: String::new(),
    })
}
