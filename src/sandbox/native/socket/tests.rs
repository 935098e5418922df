//! Sockets as scripts see them; both ends are in one script.

use std::time::{Duration, Instant};

use crate::native::testing::limited;
use crate::{INPUT, NoMessages, Outcome, Sandbox, Settings};

/// A connected pair `a`, `b` of streams, and its server.
const PAIR: &str = "local socket = require 'socket'
    local server = assert(socket.bind('127.0.0.1', 0))
    local ip, port, family = server:getsockname()
    local a = assert(socket.connect(ip, port))
    local b = assert(server:accept())
    -- They are kept: else the collector closes them.
    sockets = {a, b, server}";

fn result(before: &str, expression: &str) -> String {
    limited(before, expression, |settings| settings.module_directory = Some("lua_io_modules".into()))
}

fn check(before: &str, pairs: &[(&str, &str)]) {
    for (expression, expected) in pairs {
        assert_eq!(result(before, expression), *expected, "{expression}");
    }
}

#[test]
fn a_stream_is_received_by_line_by_count_and_whole() {
    let before = format!("{PAIR} a:send('one\\r\\ntwo\\nthree') a:send('xyz', 2, -2) a:close()");
    check(
        &before,
        &[
            ("b:receive()", r#""one", nil, nil"#),
            ("b:receive('*l', 'zero ')", r#""zero one", nil, nil"#),
            ("b:receive('*a')", "\"one\\r\\\ntwo\\\nthreey\", nil, nil"),
            ("b:receive(5, 'ab')", "\"abone\", nil, nil"),
            ("b:receive(0)", "\"\", nil, nil"),
            ("b:receive(100)", "nil, \"closed\", \"one\\r\\\ntwo\\\nthreey\""),
            ("b:receive(3) and b:dirty()", "true"),
            ("select(4, b:receive('*a'), 0, 0, b:receive('*a'))", r#"nil, "closed", """#),
            ("b:receive(7) and select('#', b:getstats())", "3"),
            ("b:receive(7) and (b:getstats())", "7"),
            ("b:receive('x')", "@ bad argument #1 to 'receive' (invalid receive pattern)"),
        ],
    );
}

#[test]
fn ends_have_names_families_and_classes() {
    check(
        PAIR,
        &[
            ("ip, family, port > 0", r#""127.0.0.1", "inet", true"#),
            ("select(2, a:getpeername()) == port", "true"),
            ("(tostring(a):match('^[^:]*'))", r#""tcp{client}""#),
            ("(tostring(server):match('^[^:]*'))", r#""tcp{server}""#),
            ("socket.tcp().class", r#""tcp{master}""#),
            ("socket.tcp():send('x')", "@ calling 'send' on bad self (tcp{client} expected)"),
            ("a.send(1, 'x')", "@ bad argument #1 to 'send' (tcp{client} expected)"),
            ("a:close(), a:close()", "1, 1"),
            ("select(2, a:close(), a:send('x'))", r#"nil, "closed", 0"#),
            ("a:setfd(0)", "@ bad argument #1 to 'setfd' (descriptor of another object)"),
            ("a:shutdown('send'), b:receive()", r#"1, nil, "closed", """#),
        ],
    );
}

#[test]
fn waits_end_by_their_timeouts() {
    let before = format!("{PAIR} a:settimeout(0.02) server:settimeout(0.02)");
    check(
        &before,
        &[
            ("a:receive()", r#"nil, "timeout", """#),
            ("server:accept()", r#"nil, "timeout""#),
            ("select(2, b:send('half'), a:receive())", r#"nil, "timeout", "half""#),
            ("select(2, a:settimeout(0, 't'), a:receive(1))", r#"nil, "timeout", """#),
            ("a:settimeout(0/0, 't')", "1"),
            ("a:settimeout(1, 'x')", "@ bad argument #2 to 'settimeout' (invalid timeout mode)"),
            (
                "select('#', socket.select({a}, nil, 0.01)), select(3, socket.select({a}, nil, 0.01))",
                r#"3, "timeout""#,
            ),
            ("#(select(2, socket.select({a}, {b}, 0.01)))", "1"),
            ("b:send('x') and socket.select({server, a}, nil)[1] == a", "true"),
            ("b:send('x\\ny') and a:receive() and socket.select({a}, nil)[a]", "1"),
            // What is no open socket is never ready.
            ("socket.select({{getfd = function() return 1e9 end}}, {}, 0)", "{}, {}"),
        ],
    );
}

#[test]
fn datagrams_go_with_and_without_a_peer() {
    let before = "local socket = require 'socket'
        local a, b = assert(socket.udp()), assert(socket.udp())
        assert(a:setsockname('127.0.0.1', 0))
        local ip, port = a:getsockname()
        b:settimeout(0.02)";
    check(
        before,
        &[
            ("b:sendto('hi', ip, port), a:receive()", r#"2, "hi""#),
            ("b:setpeername(ip, port), b:send('there'), a:receive(2)", r#"1, 5, "th""#),
            ("b:sendto('', ip, port), a:receive()", r#"0, """#),
            ("b:sendto('x', ip, port) and (select(2, a:receivefrom()))", "\"127.0.0.1\""),
            ("b:receive()", r#"nil, "timeout""#),
            ("b:setpeername(ip, port) and b:setpeername('*') and b.class", r#""udp{unconnected}""#),
            ("b:sendto('x', 'not an ip', 1)", r#"nil, "host or service not provided, or not known""#),
            ("a:getfamily(), a:dirty()", r#""inet4", false"#),
            ("a:setoption('broadcast', true), a:setoption('reuseaddr', true)", "1, 1"),
            ("a:setoption('ip-multicast-if', '*'), a:getoption('ip-multicast-if')", r#"1, "0.0.0.0""#),
            ("a:setoption('nope', 1)", "@ bad argument #1 to 'setoption' (unsupported option `nope')"),
        ],
    );
}

#[test]
fn options_errors_and_names() {
    let before =
        format!("{PAIR} require 'os' local free = assert(socket.tcp()) assert(free:bind('127.0.0.1', 0))");
    check(
        &before,
        &[
            (
                "a:setoption('linger', {on = true, timeout = 3}), a:getoption('linger')",
                "1, {on=true timeout=3}",
            ),
            ("a:setoption('tcp-nodelay', true), a:getoption('tcp-nodelay')", "1, true"),
            ("a:getoption('error')", "nil"),
            ("socket.tcp():bind(ip, port)", r#"nil, "address already in use""#),
            ("socket.connect(ip, (select(2, free:getsockname())))", r#"nil, "connection refused""#),
            (
                "socket.dns.toip('127.0.0.1')",
                r#""127.0.0.1", {alias={} ip={1="127.0.0.1"} name="127.0.0.1"}"#,
            ),
            ("socket.dns.getaddrinfo('::1')", r#"{1={addr="::1" family="inet6"}}"#),
            ("type(socket.dns.gethostname())", r#""string""#),
            ("socket.skip(2, 1, 2, 3)", "3"),
            ("socket._VERSION, math.abs(socket.gettime() - os.time()) < 5", r#""LuaSocket 3.0-rc1", true"#),
        ],
    );
}

#[test]
fn protect_turns_what_try_raises_into_results() {
    let before = "local socket = require 'socket' local done = 0
        local attempt = socket.newtry(function() done = done + 1 error('ignored') end)";
    check(
        before,
        &[
            ("socket.protect(function() return attempt(1, 2) end)()", "1, 2"),
            ("socket.protect(function() attempt(nil, 'why') end)()", r#"nil, "why""#),
            ("(socket.protect(function() attempt(nil, 'why') end)()), done", "nil, 1"),
            ("socket.protect(function() error('other', 0) end)()", "other"),
            ("pcall(socket.try, nil, 'why')", r#"false, {1="why"}"#),
        ],
    );
}

/// A script that waits in every way that there is, each for ever.
const WAITS: [&str; 6] = [
    "a:receive()",
    "server:accept()",
    "socket.select({a}, nil)",
    "socket.sleep(1e9)",
    "u:receive()",
    "while a:send(string.rep('x', 100000)) do end",
];

fn open(body: &str, change: impl FnOnce(&mut Settings)) -> (Sandbox, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("script.lua");
    let script = format!(
        "require 'string' {PAIR} local u = assert(socket.udp()) u:setsockname('*', 0)
         sockets.u = u
         function process_message() do {body} end return 0 end"
    );
    std::fs::write(&file, script).unwrap();
    let mut settings = Settings::new(&INPUT, file);
    settings.share_dir = folder.path().join("share");
    settings.module_directory = Some("lua_modules;lua_io_modules".into());
    change(&mut settings);
    (Sandbox::open(settings).unwrap(), folder)
}

#[test]
fn a_stop_ends_every_wait() {
    for wait in WAITS {
        let (mut sandbox, _folder) = open(wait, |_| {});
        let stop = heka_plugin::Stop::new();
        sandbox.interrupt_on(stop.clone());
        let stopper = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            stop.request();
        });
        assert_eq!(sandbox.process_message(&mut NoMessages), Outcome::Terminated, "{wait}");
        stopper.join().unwrap();
        assert!(sandbox.last_error().ends_with("shutting down"), "{wait}: {}", sandbox.last_error());
    }
}

#[test]
fn a_script_that_catches_the_stop_does_not_go_on_for_ever() {
    let (mut sandbox, _folder) = open("while true do pcall(a.receive, a) end", |_| {});
    let stop = heka_plugin::Stop::new();
    stop.request();
    sandbox.interrupt_on(stop);
    assert_eq!(sandbox.process_message(&mut NoMessages), Outcome::Terminated);
    assert!(sandbox.last_error().ends_with("shutting down"), "{}", sandbox.last_error());
}

#[test]
fn a_plugin_that_hears_of_no_stop_does_not_wait_for_ever() {
    let began = Instant::now();
    let (mut sandbox, _folder) =
        open("return -1, (select(2, a:receive()))", |settings| settings.kind = &crate::FILTER);
    assert_eq!(sandbox.process_message(&mut NoMessages), Outcome::Returned(-1));
    assert_eq!(sandbox.last_error(), "timeout");
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_connection_of_a_closed_sandbox_is_closed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (mut sandbox, _folder) = open(&format!("kept = assert(socket.connect('127.0.0.1', {port}))"), |_| {});
    assert_eq!(sandbox.process_message(&mut NoMessages), Outcome::Returned(0), "{}", sandbox.last_error());
    let (mut peer, _) = listener.accept().unwrap();
    drop(sandbox);
    assert_eq!(std::io::Read::read(&mut peer, &mut [0]).unwrap(), 0);
}

#[test]
fn sockets_need_their_folder_in_the_path() {
    let error = crate::native::testing::result("", "require 'socket'");
    assert!(error.contains("module 'socket' not found:"), "{error}");
    let error = crate::native::testing::result("", "require 'socket.core'");
    assert!(error.contains("module 'socket.core' not found:"), "{error}");
}
