use proptest::prelude::*;

use super::*;

#[test]
fn addresses_print_as_they_were_given() {
    for address in [":5565", "127.0.0.1:5565", "[::1]:5565", "0.0.0.0:1"] {
        assert_eq!(resolve("tcp", "tcp", address).unwrap().to_string(), address);
    }
    assert_eq!(resolve("udp", "udp", "").unwrap().to_string(), ":0");
}

#[test]
fn go_words_what_is_wrong_with_an_address() {
    let cases = [
        ("host", "address host: missing port in address"),
        ("nohost.invalid:1:2", "address nohost.invalid:1:2: too many colons in address"),
        ("::1:80", "address ::1:80: too many colons in address"),
        ("[::1]", "address [::1]: missing port in address"),
        ("[::1:80", "address [::1:80: missing ']' in address"),
        ("a]:80", "address a]:80: unexpected ']' in address"),
        ("127.0.0.1:70000", "address 70000: invalid port"),
        ("127.0.0.1:nope", "address tcp/nope: unknown port"),
        ("no-host.invalid:1", "lookup no-host.invalid: no such host"),
    ];
    for (address, why) in cases {
        assert_eq!(resolve("tcp", "tcp", address), Err(why.into()), "{address}");
    }
    assert_eq!(resolve("unix", "tcp", "/x"), Err("unknown network unix".into()));
    assert_eq!(resolve("tcp6", "tcp", "127.0.0.1:1"), Err("address 127.0.0.1: no suitable address".into()));
}

#[test]
fn a_family_decides_where_a_wildcard_binds() {
    let bound = |network| resolve(network, "tcp", ":7").unwrap().listening();
    assert_eq!(bound("tcp4"), ("0.0.0.0:7".parse().unwrap(), false));
    assert_eq!(bound("tcp6"), ("[::]:7".parse().unwrap(), true));
    let both = resolve("tcp", "tcp", "127.0.0.1:7").unwrap().listening();
    assert_eq!(both, ("127.0.0.1:7".parse().unwrap(), false));
}

#[test]
fn mapped_addresses_are_ipv4() {
    let mapped: SocketAddr = "[::ffff:10.0.0.1]:5".parse().unwrap();
    assert_eq!(canonical(mapped).to_string(), "10.0.0.1:5");
}

#[test]
fn reasons_are_worded_as_go_does() {
    assert_eq!(reason(&io::Error::from_raw_os_error(98)), "address already in use");
    assert_eq!(reason(&io::Error::from_raw_os_error(111)), "connection refused");
    assert_eq!(reason(&io::Error::from(io::ErrorKind::WouldBlock)), "i/o timeout");
}

proptest! {
    #[test]
    fn a_split_address_is_the_address(host in "[a-z0-9.-]{0,20}", port in "[0-9a-z]{0,8}") {
        for address in [format!("{host}:{port}"), format!("[{host}]:{port}")] {
            prop_assert_eq!(split_host_port(&address), Ok((host.as_str(), port.as_str())));
        }
    }

    #[test]
    fn no_text_breaks_the_split(address in "[a\\[\\]:]{0,8}") {
        if let Ok((host, port)) = split_host_port(&address) {
            prop_assert!(!port.contains(':') && !host.contains(['[', ']']));
        }
    }
}
