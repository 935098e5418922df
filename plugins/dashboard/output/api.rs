//! What the page asks for.

use std::sync::PoisonError;

use heka_message::Matcher;
use hyper::{Response, StatusCode};
use serde::Serialize;

use super::body::Reply;
use super::site::{Site, plain, with_body};
use super::tap;
use crate::http_server::query::pairs;

/// Longest matcher of a tap.
const MATCHER_MAX: usize = 1000;
/// Most patterns of a tap: each may take much memory.
const PATTERNS_MAX: usize = 4;

/// Answers a call.
pub(super) fn answer(site: &Site, call: &str, query: &str) -> Response<Reply> {
    match call {
        "status" => match site.telemetry.snapshot() {
            Some(figures) => json(&figures),
            None => plain(StatusCode::SERVICE_UNAVAILABLE, "hekad does not run yet or any more\n"),
        },
        "history" => json(&site.history.lock().unwrap_or_else(PoisonError::into_inner).shown()),
        "tap" => tap(site, query),
        _ => plain(StatusCode::NOT_FOUND, "404 page not found\n"),
    }
}

fn json(value: &impl Serialize) -> Response<Reply> {
    match serde_json::to_vec(value) {
        Ok(bytes) => with_body(StatusCode::OK, "application/json", bytes),
        Err(error) => plain(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
    }
}

/// Opens a tap for the `matcher` in the query.
fn tap(site: &Site, query: &str) -> Response<Reply> {
    let given = pairs(query.as_bytes()).into_iter().find(|(key, _)| key == "matcher");
    let text = given.map_or("TRUE".into(), |(_, value)| value.to_string());
    if text.len() > MATCHER_MAX || text.matches("=~").count() + text.matches("!~").count() > PATTERNS_MAX {
        return plain(StatusCode::BAD_REQUEST, "the matcher is too long\n");
    }
    let matcher = match Matcher::parse(&text) {
        Ok(matcher) => matcher,
        Err(why) => return plain(StatusCode::BAD_REQUEST, &format!("{why}\n")),
    };
    let Some(seat) = tap::Seat::take(&site.taps) else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "too many taps are open\n");
    };
    match site.telemetry.tap() {
        Some(source) => tap::open(source, matcher, seat, site.stop.clone()),
        None => plain(StatusCode::SERVICE_UNAVAILABLE, "hekad does not run yet or any more\n"),
    }
}
