//! `hekad queue dead list`: which outputs have rejected messages, and why.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use heka_engine::dead_letters::{Folder, Request};
use heka_message::MessageView;
use serde::Serialize;

use super::super::base::{Base, Where};
use super::super::status::{table, time_text};
use super::letters::{folder, read};

/// Of a reason and a message so many characters are in a line.
const LINE_CHARS: usize = 120;

/// List the outputs that have rejected messages, or the rejected messages of one, each with the reason
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Name of the output
    output: Option<String>,
    #[command(flatten)]
    place: Where,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Of {
    output: String,
    letters: u64,
    bytes: u64,
    oldest: Option<String>,
    newest: Option<String>,
    last_reason: Option<String>,
    /// What was asked for and is not done: `replay` or `forget`.
    asked: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct One {
    id: u64,
    time: String,
    reason: String,
    #[serde(rename = "type")]
    message_type: String,
    payload: String,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let base = args.place.find()?;
    let text = match &args.output {
        None => outputs(&base, args.json)?,
        Some(output) => letters(&folder(&base, output)?, args.json)?,
    };
    // Whoever reads may have seen enough.
    std::io::stdout().write_all(text.as_bytes()).ok();
    Ok(ExitCode::SUCCESS)
}

fn outputs(base: &Base, json: bool) -> Result<String> {
    let mut all = Vec::new();
    for folder in Folder::all(&base.base_dir)? {
        let asked = Request::waiting(&folder).into_iter().map(|request| match request {
            Request::Replay(_) => "replay",
            Request::Forget(_) => "forget",
        });
        let mut of = Of {
            output: folder.output.clone(),
            letters: 0,
            bytes: 0,
            oldest: None,
            newest: None,
            last_reason: None,
            asked: asked.collect(),
        };
        read(&folder, |found| {
            of.letters += 1;
            of.bytes += found.bytes;
            let time = time_text(found.time_ns);
            of.oldest.get_or_insert_with(|| time.clone());
            of.newest = Some(time);
            of.last_reason = Some(found.letter.reason.to_owned());
            Ok(true)
        })?;
        all.push(of);
    }
    if json {
        return Ok(serde_json::to_string_pretty(&all)? + "\n");
    }
    let mut rows =
        vec![["OUTPUT", "MESSAGES", "BYTES", "OLDEST", "NEWEST", "ASKED", "LAST REASON"].map(String::from)];
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    rows.extend(all.into_iter().map(|of| {
        let asked = if of.asked.is_empty() { "-".into() } else { of.asked.join(", ") };
        let (letters, bytes) = (of.letters.to_string(), of.bytes.to_string());
        let reason = line(&or_dash(of.last_reason));
        [of.output, letters, bytes, or_dash(of.oldest), or_dash(of.newest), asked, reason]
    }));
    let mut text = String::new();
    table(&rows, &mut text);
    Ok(text)
}

fn letters(folder: &Folder, json: bool) -> Result<String> {
    let mut all = Vec::new();
    read(folder, |found| {
        let message = MessageView::new(found.letter.message);
        let text = |bytes: Option<&bstr::BStr>| bytes.map(ToString::to_string).unwrap_or_default();
        all.push(One {
            id: found.id,
            time: time_text(found.time_ns),
            reason: found.letter.reason.to_owned(),
            message_type: text(message.msg_type()),
            payload: text(message.payload()),
        });
        Ok(true)
    })?;
    if json {
        return Ok(serde_json::to_string_pretty(&all)? + "\n");
    }
    let mut rows = vec![["ID", "REJECTED", "TYPE", "REASON"].map(String::from)];
    rows.extend(
        all.into_iter().map(|one| [one.id.to_string(), one.time, line(&one.message_type), line(&one.reason)]),
    );
    let mut text = String::new();
    table(&rows, &mut text);
    Ok(text)
}

/// A text as a part of a line.
fn line(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let short: String = plain.take(LINE_CHARS).collect();
    if text.chars().count() > LINE_CHARS { short + "..." } else { short }
}
