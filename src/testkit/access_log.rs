//! Lines as a busy nginx writes them in its combined format: about 200 bytes, varied like real traffic, each with its
//! own id in the request (`?id=7` or `&id=7`).

use std::fmt::Write as _;

use crate::random::Random;

/// The `log_format` of the lines, as the nginx decoder's option wants it.
pub const LOG_FORMAT: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \
                              \"$http_referer\" \"$http_user_agent\"";

/// 2026-01-01 00:00:00 UTC, when the log begins.
const START: u64 = 1_767_225_600;
/// Requests a second.
const RATE: u64 = 200;

/// `{}` stands for a version number.
const AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{}.1 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_{} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{}.0) Gecko/20100101 Firefox/{}.0",
    "Mozilla/5.0 (compatible; bingbot/2.{}; +http://www.bing.com/bingbot.htm)",
    "curl/8.{}.1",
];
/// `{}` stands for a number.
const PATHS: &[&str] = &[
    "/",
    "/about.html",
    "/api/v2/orders/{}",
    "/api/v2/users/{}/avatar",
    "/assets/main.{}.css",
    "/find?q=word{}&page=3",
    "/login",
    "/media/{}.jpg",
];
const REFERERS: &[&str] = &[
    "-",
    "-",
    "https://shop.example.com/",
    "https://www.example.net/news/{}",
    "https://find.example.org/?q={}",
];
/// Weighted by repetition.
const STATUS: &[u16] =
    &[200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 304, 304, 404, 301, 206, 500, 502, 403];
const MONTHS: &[&str] = &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Makes the lines with ids 0, 1, 2 and so on; the same seed gives the same log.
#[derive(Debug, Clone)]
pub struct AccessLog {
    random: Random,
    next_id: u64,
    line: String,
}

impl AccessLog {
    /// The log of a seed.
    pub fn new(seed: u64) -> AccessLog {
        AccessLog { random: Random::new(seed), next_id: 0, line: String::new() }
    }

    /// The next line, newline and all.
    pub fn next_line(&mut self) -> &str {
        let random = &mut self.random;
        let id = self.next_id;
        self.next_id += 1;
        let path = filled(random, PATHS);
        let separator = if path.contains('?') { '&' } else { '?' };
        let address = [random.below(223) + 1, random.below(256), random.below(256), random.below(254) + 1];
        let method = if random.below(12) == 0 { "POST" } else { "GET" };
        let status = *random.pick(STATUS);
        // Sizes of a Pareto distribution: many small ones, few large.
        let bytes = (300.0 / (1.0 - random.unit()).powf(1.0 / 1.2)) as u64 % 1_000_000;
        let referer = filled(random, REFERERS);
        let agent = filled(random, AGENTS);
        self.line.clear();
        // Writing to a String cannot fail.
        let _ = writeln!(
            self.line,
            "{}.{}.{}.{} - - [{}] \"{method} {path}{separator}id={id} HTTP/1.1\" {status} {bytes} \"{referer}\" \"{agent}\"",
            address[0],
            address[1],
            address[2],
            address[3],
            time_local(START + id / RATE),
        );
        &self.line
    }

    /// The next lines as one text.
    pub fn take_lines(&mut self, count: usize) -> String {
        let mut text = String::with_capacity(count * 210);
        for _ in 0..count {
            text.push_str(self.next_line());
        }
        text
    }
}

fn filled(random: &mut Random, choices: &[&str]) -> String {
    let text = *random.pick(choices);
    match text.contains("{}") {
        true if text.contains("Mozilla") || text.contains("curl") => {
            text.replace("{}", &(60 + random.below(70)).to_string())
        }
        true => text.replace("{}", &random.below(1 << 20).to_string()),
        false => text.to_owned(),
    }
}

/// nginx's `$time_local` in UTC.
fn time_local(seconds: u64) -> String {
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    let mut year = 1970;
    while days >= days_of_year(year) {
        days -= days_of_year(year);
        year += 1;
    }
    let february = days_of_year(year) - 337;
    let mut month = 0;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{:02}/{}/{year}:{hour:02}:{minute:02}:{second:02} +0000", days + 1, MONTHS[month])
}

fn days_of_year(year: u64) -> u64 {
    let leap = (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
    if leap { 366 } else { 365 }
}

/// The id in a line, also in one that is wrapped in something else (JSON, a request field).
pub fn id_of(text: &[u8]) -> Option<u64> {
    let at = text.windows(4).position(|w| (w[0] == b'?' || w[0] == b'&') && &w[1..] == b"id=")?;
    let digits = text[at + 4..].iter().take_while(|b| b.is_ascii_digit());
    digits.fold(None, |id, digit| Some(id.unwrap_or(0) * 10 + u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_seeded_numbered_and_of_real_size() {
        let text = AccessLog::new(3).take_lines(2000);
        assert_eq!(text, AccessLog::new(3).take_lines(2000));
        assert_ne!(text, AccessLog::new(4).take_lines(2000));
        for (id, line) in text.lines().enumerate() {
            assert_eq!(id_of(line.as_bytes()), Some(id as u64), "{line}");
        }
        let mean = text.len() / 2000;
        assert!((180..220).contains(&mean), "{mean} bytes a line");
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(time_local(0), "01/Jan/1970:00:00:00 +0000");
        assert_eq!(time_local(START), "01/Jan/2026:00:00:00 +0000");
        assert_eq!(time_local(951_825_599), "29/Feb/2000:11:59:59 +0000");
        assert_eq!(time_local(1_798_761_599), "31/Dec/2026:23:59:59 +0000");
    }
}
