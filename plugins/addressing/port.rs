//! Port numbers and names of services.

/// The number of a port that is given as a number or as the name of a service; nothing is port 0.
///
/// # Errors
/// Go's text.
pub(super) fn number(network: &str, protocol: &str, port: &str) -> Result<u16, String> {
    if port.is_empty() {
        return Ok(0);
    }
    let digits = port.strip_prefix(['+', '-']).unwrap_or(port);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = digits.parse().ok().filter(|number| *number == 0 || !port.starts_with('-'));
        return number.ok_or_else(|| format!("address {port}: invalid port"));
    }
    let services = std::fs::read_to_string("/etc/services").unwrap_or_default();
    named(&services, protocol, port).ok_or_else(|| format!("address {network}/{port}: unknown port"))
}

/// The port of a service in the text of `/etc/services`: lines of `name port/protocol alias...`.
fn named(services: &str, protocol: &str, name: &str) -> Option<u16> {
    services.lines().find_map(|line| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let (first, place) = (words.next()?, words.next()?);
        let (port, of) = place.split_once('/')?;
        let is_it = of == protocol && (first == name || words.any(|alias| alias == name));
        if is_it { port.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_numbers_or_names() {
        assert_eq!(number("tcp", "tcp", "5565"), Ok(5565));
        assert_eq!(number("tcp", "tcp", ""), Ok(0));
        assert_eq!(number("tcp", "tcp", "65536"), Err("address 65536: invalid port".into()));
        assert_eq!(number("tcp", "tcp", "-1"), Err("address -1: invalid port".into()));
        assert_eq!(number("udp4", "udp", "no-such"), Err("address udp4/no-such: unknown port".into()));
    }

    #[test]
    fn a_service_is_found_by_name_and_alias_in_its_protocol() {
        let services = "# x 1/tcp\nsyslog 514/udp\nshell\t514/tcp cmd syslog # no passwords\n";
        assert_eq!(named(services, "udp", "syslog"), Some(514));
        assert_eq!(named(services, "tcp", "cmd"), Some(514));
        assert_eq!(named(services, "udp", "cmd"), None);
        assert_eq!(named(services, "tcp", "x"), None);
    }
}
