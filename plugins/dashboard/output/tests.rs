use std::io::{Read, Write};
use std::net::TcpStream;

use heka_plugin::Globals;

use super::*;

/// A site over a folder on a free port.
struct Rig {
    dir: tempfile::TempDir,
    output: DashboardOutput,
    port: u16,
}

impl Rig {
    fn new(change: impl FnOnce(&mut Config, &std::path::Path)) -> Rig {
        let dir = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut config = Config { address: format!("127.0.0.1:{port}"), ..Config::default() };
        change(&mut config, dir.path());
        let mut output = DashboardOutput::open(config, &context(dir.path())).unwrap();
        output.idle(0).unwrap();
        Rig { dir, output, port }
    }

    fn ask(&self, request: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut stream = loop {
            match TcpStream::connect(("127.0.0.1", self.port)) {
                Ok(stream) => break stream,
                Err(error) if Instant::now() > deadline => panic!("{error}"),
                Err(_) => std::thread::yield_now(),
            }
        };
        stream.write_all(request.as_bytes()).unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).unwrap();
        String::from_utf8_lossy(&reply).into_owned()
    }

    fn get(&self, path: &str, headers: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n"))
    }
}

fn context(dir: &std::path::Path) -> Context {
    let globals = Globals { base_dir: dir.join("base"), share_dir: dir.join("share"), ..Globals::default() };
    Context { globals: Arc::new(globals), ..Context::for_test("dash") }
}

fn status(reply: &str) -> &str {
    reply.get(9..12).unwrap_or_default()
}

#[test]
fn files_are_served_as_go_serves_them() {
    let rig = Rig::new(|_, _| ());
    let data = rig.dir.path().join("base/dashboard/data");
    std::fs::write(data.join("a b&.json"), "0123456789").unwrap();
    std::fs::write(data.join("x..cbuf"), "text").unwrap();
    std::fs::write(rig.dir.path().join("base/secret"), "secret").unwrap();
    let json = rig.get("/data/a%20b&.json", "");
    assert!(json.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"), "{json}");
    assert!(
        json.contains("X-Content-Type-Options: nosniff\r\n") && json.ends_with("\r\n\r\n0123456789"),
        "{json}"
    );
    assert!(rig.get("/data/x..cbuf", "").contains("Content-Type: text/plain; charset=utf-8"));
    let part = rig.get("/data/a%20b&.json", "Range: bytes=2-4\r\n");
    assert!(
        status(&part) == "206"
            && part.contains("Content-Range: bytes 2-4/10\r\n")
            && part.ends_with("\r\n\r\n234"),
        "{part}"
    );
    let changed = json.lines().find_map(|line| line.strip_prefix("Last-Modified: ")).unwrap();
    assert_eq!(status(&rig.get("/data/a%20b&.json", &format!("If-Modified-Since: {changed}\r\n"))), "304");
    let list = rig.get("/data/", "");
    assert!(
        list.contains("<a href=\"a%20b&.json\">a b&amp;.json</a>\n<a href=\"x..cbuf\">x..cbuf</a>\n</pre>"),
        "{list}"
    );
    assert!(rig.get("/data", "").contains("Location: data/\r\n"));
    let missing = rig.get("/nope", "");
    assert!(status(&missing) == "404" && missing.ends_with("\r\n\r\n404 page not found\n"), "{missing}");
    for outside in
        ["/../secret", "/data/../../secret", "/%2e%2e/secret", "/data/..%2f..%2fsecret", "/%00", "/%zz"]
    {
        assert_eq!(status(&rig.get(outside, "")), "404", "{outside}");
    }
    let head = rig.ask("HEAD /data/a%20b&.json HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert!(head.contains("Content-Length: 10\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    assert_eq!(
        status(
            &rig.ask("POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
        ),
        "405"
    );
}

#[test]
fn a_page_of_the_user_is_at_the_root_and_ours_beside() {
    let mut rig = Rig::new(|config, dir| {
        let page = dir.join("page");
        std::fs::create_dir(&page).unwrap();
        std::fs::write(page.join("index.html"), "mine").unwrap();
        config.static_directory = Some(page.to_str().unwrap().into());
    });
    assert!(rig.get("/", "").ends_with("\r\n\r\nmine"));
    assert!(rig.get("/hekad/", "").contains("Content-Security-Policy: default-src 'none'"));
    assert!(rig.get("/hekad", "").contains("Location: hekad/"));
    rig.output.stop();
}

#[test]
fn without_one_ours_is_at_the_root_and_headers_are_added() {
    let rig = Rig::new(|config, _| {
        config.headers = Pairs(vec![
            ("X-One".to_string(), vec!["a".to_string(), "b".to_string()]),
            ("Content-Security-Policy".to_string(), vec!["mine".to_string()]),
        ]);
    });
    let root = rig.get("/", "");
    assert!(status(&root) == "302" && root.contains("Location: hekad/"), "{root}");
    let page = rig.get("/hekad/", "");
    assert!(
        page.contains("X-One: a\r\nX-One: b\r\n") && page.contains("Content-Security-Policy: mine\r\n"),
        "{page}"
    );
    assert!(!page.contains("default-src"));
    for path in ["/metrics", "/health"] {
        assert_eq!(status(&rig.get(path, "")), "200", "{path}");
    }
}

#[test]
fn the_page_is_asked_under_a_name_of_this_machine_only() {
    let rig = Rig::new(|_, _| ());
    let ask = |host: &str| {
        rig.ask(&format!("GET /hekad/api/history HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"))
    };
    for own in ["localhost:4352", "127.0.0.1", "[::1]:4352", "a.localhost"] {
        assert_eq!(status(&ask(own)), "200", "{own}");
    }
    assert_eq!(status(&ask("evil.example:4352")), "403");
}

#[test]
fn a_tap_needs_a_matcher() {
    let rig = Rig::new(|_, _| ());
    let wrong = rig.get("/hekad/api/tap?matcher=Type%20%3D", "");
    assert_eq!(status(&wrong), "400", "{wrong}");
    assert_eq!(status(&rig.get("/hekad/api/tap?matcher=TRUE", "")), "503", "nothing runs in this test");
}

#[test]
fn a_check_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let check = |static_directory: Option<&str>| {
        let config = Config { static_directory: static_directory.map(String::from), ..Config::default() };
        DashboardOutput::open(config, &Context { only_check: true, ..context(dir.path()) })
    };
    assert!(check(None).is_ok());
    let why = check(Some("none")).err().unwrap().to_string();
    assert!(why.contains("Error copying static dashboard files"), "{why}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
