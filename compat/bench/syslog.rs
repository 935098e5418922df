//! A file as rsyslog writes it with its traditional template.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use heka_testkit::random::Random;

/// `RSYSLOG_TraditionalFileFormat` of rsyslog's documentation.
pub(crate) const TEMPLATE: &str =
    r"%TIMESTAMP% %HOSTNAME% %syslogtag%%msg:::sp-if-no-1st-sp%%msg:::drop-last-lf%\n";

/// Lines a second.
const RATE: u64 = 200;

/// Programs, whether they tell their pid, and what they say; `{}` stands for a number.
const SAYINGS: &[(&str, bool, &str)] = &[
    (
        "sshd",
        true,
        "Accepted publickey for deploy from 10.1.2.3 port {} ssh2: ED25519 SHA256:Jw0zqBQxTq0mJt3b",
    ),
    ("sshd", true, "Failed password for invalid user admin from 203.0.113.7 port {} ssh2"),
    ("CRON", true, "(root) CMD (   cd / && run-parts --report /etc/cron.hourly # {})"),
    ("kernel", false, "[{}.118834] eth0: link is up, 1000 Mbps full duplex, flow control rx/tx"),
    ("systemd", true, "Started Session {} of User deploy."),
    ("postfix/smtpd", true, "connect from mail.example.test[192.0.2.{}]"),
    ("dhclient", true, "DHCPACK of 10.0.0.{} from 10.0.0.1"),
];

/// Writes so many lines; gives the size of the file.
pub(crate) fn write(path: &Path, lines: u64, seed: u64) -> io::Result<u64> {
    let mut out = BufWriter::new(File::create(path)?);
    let mut random = Random::new(seed);
    for id in 0..lines {
        let second = id / RATE;
        let (day, hour, minute) = (1 + second / 86_400 % 28, second / 3600 % 24, second / 60 % 60);
        let (program, tells_pid, saying) = SAYINGS[random.below(SAYINGS.len() as u64) as usize];
        write!(
            out,
            "Jan {day:>2} {hour:02}:{minute:02}:{:02} web{:02} {program}",
            second % 60,
            random.below(40)
        )?;
        if tells_pid {
            write!(out, "[{}]", 300 + random.below(60_000))?;
        }
        writeln!(out, ": {}", saying.replace("{}", &random.below(60_000).to_string()))?;
    }
    out.flush()?;
    Ok(fs::metadata(path)?.len())
}
