//! The HTTP plugins with the programs that are usually at the other end: nginx before and behind hekad, curl as a sender.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use heka_testkit::daemon::{Daemon, configure};
use heka_testkit::ports::free_ports;
use heka_testkit::servers;
use heka_testkit::{Scratch, wait_until};

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
const LIMIT: Duration = Duration::from_secs(60);

/// Ports: nginx plain and with TLS, hekad.
struct Places {
    plain: u16,
    secret: u16,
    hekad: u16,
}

impl Places {
    fn fill(&self, text: &str, dir: &Path) -> String {
        let numbers = [("$PLAIN", self.plain), ("$SECRET", self.secret), ("$HEKAD", self.hekad)];
        let filled = text.replace("$DIR", dir.to_str().unwrap());
        numbers.iter().fold(filled, |text, (name, port)| text.replace(name, &port.to_string()))
    }
}

/// `/take` keeps bodies in a log; `/to-hekad` hands requests on to hekad.
const NGINX: &str = r#"
daemon off;
worker_processes 1;
user root;
pid $DIR/nginx.pid;
error_log $DIR/nginx.err;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path $DIR/tmp1;
    proxy_temp_path $DIR/tmp2;
    fastcgi_temp_path $DIR/tmp3;
    uwsgi_temp_path $DIR/tmp4;
    scgi_temp_path $DIR/tmp5;
    client_max_body_size 8m;
    client_body_buffer_size 4m;
    log_format body escape=none '$request_method $uri $http_x_kind $http_user_agent $request_body';
    upstream hekad { server 127.0.0.1:$HEKAD; keepalive 4; }
    server {
        listen 127.0.0.1:$PLAIN;
        location /take { access_log $DIR/taken.log body; proxy_pass http://127.0.0.1:$PLAIN/ok; }
        location /ok { return 204; }
        location /to-hekad {
            proxy_pass http://hekad;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For $remote_addr;
        }
        location /page { root $DIR/www; gzip on; gzip_min_length 1; gzip_types text/plain; default_type text/plain; }
        location /moved { return 302 /page; }
        location /nothing { return 404 "not here"; }
    }
    server {
        listen 127.0.0.1:$SECRET ssl;
        ssl_certificate $DIR/cert.pem;
        ssl_certificate_key $DIR/key.pem;
        location / {
            auth_basic "x";
            auth_basic_user_file $DIR/users;
            access_log $DIR/secret.log body;
            proxy_pass http://127.0.0.1:$PLAIN/ok;
        }
    }
}
"#;

const CONFIG: &str = r#"
[hekad]
base_dir = "$DIR/base"
log_flags = 0

[listen]
type = "HttpListenInput"
address = "127.0.0.1:$HEKAD"
request_headers = ["X-Forwarded-For"]

[poll]
type = "HttpInput"
urls = ["http://127.0.0.1:$PLAIN/page", "http://127.0.0.1:$PLAIN/moved", "http://127.0.0.1:$PLAIN/nothing"]
ticker_interval = 1

[PayloadEncoder]
append_newlines = false

[take]
type = "HttpOutput"
message_matcher = "Type == 'heka.httpdata.request'"
encoder = "PayloadEncoder"
address = "http://127.0.0.1:$PLAIN/take"
[take.headers]
X-Kind = ["plain"]

[secret]
type = "HttpOutput"
message_matcher = "Type == 'heka.httpdata.request' && Fields[X-Forwarded-For] == '127.0.0.1'"
encoder = "PayloadEncoder"
address = "https://localhost:$SECRET/take"
username = "u"
password = "p"
[secret.tls]
root_cafile = "$DIR/cert.pem"

[polled]
type = "FileOutput"
message_matcher = "Type =~ /^heka.httpinput/"
encoder = "fields"
path = "$DIR/polled.out"

[fields]
type = "SandboxEncoder"
filename = "$DIR/fields.lua"
"#;

/// What a poll gave, a line each.
const FIELDS: &str = r#"
require "string"
function process_message()
    local code = read_message("Fields[StatusCode]") or -1
    inject_payload("txt", "", string.format("%d %d %s\n", code, read_message("Severity"), read_message("Payload")))
    return 0
end
"#;

fn run(program: &str, args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

struct Nginx(Child);

impl Nginx {
    fn start(dir: &Path, places: &Places) -> Nginx {
        let conf = dir.join("nginx.conf");
        let child = Command::new("nginx").arg("-p").arg(dir).arg("-c").arg(&conf).spawn().unwrap();
        let listens = || std::net::TcpStream::connect(("127.0.0.1", places.plain)).is_ok();
        assert!(wait_until(LIMIT, listens), "nginx does not listen");
        Nginx(child)
    }

    fn stop(self) {
        drop(self);
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It fails only if nginx is gone already.
        let _ = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

fn prepare(dir: &Path, places: &Places) {
    fs::create_dir_all(dir.join("www")).unwrap();
    fs::write(dir.join("www/page"), "a page that nginx compresses").unwrap();
    fs::write(dir.join("users"), "u:{PLAIN}p\n").unwrap();
    fs::write(dir.join("fields.lua"), FIELDS).unwrap();
    fs::write(dir.join("nginx.conf"), places.fill(NGINX, dir)).unwrap();
    let (key, cert) = (dir.join("key.pem"), dir.join("cert.pem"));
    let made = run(
        "openssl",
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-keyout",
            key.to_str().unwrap(),
            "-out",
            cert.to_str().unwrap(),
        ],
        b"",
    );
    assert!(made.status.success(), "{made:?}");
}

/// Sends a body with curl; gives the status of the reply.
fn curl(args: &[&str], body: &[u8]) -> String {
    let fixed = ["-s", "-S", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "60"];
    let output = run("curl", &[&fixed[..], args].concat(), body);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn await_text(path: &Path, texts: &[&str]) {
    let found = || {
        let kept = fs::read(path).unwrap_or_default();
        let kept = String::from_utf8_lossy(&kept);
        texts.iter().all(|text| kept.contains(text))
    };
    assert!(wait_until(LIMIT, found), "{path:?}: {}", fs::read_to_string(path).unwrap_or_default());
}

#[test]
fn requests_go_through_nginx_to_hekad_and_back_to_nginx() {
    if !servers::can_be_had(env!("CARGO_MANIFEST_DIR"), "nginx", "nginx, curl or openssl") {
        return;
    }
    let scratch = Scratch::new().unwrap();
    let dir = scratch.path();
    let free = free_ports(3).unwrap();
    let (plain, secret, hekad) = (free[0], free[1], free[2]);
    let places = Places { plain, secret, hekad };
    prepare(dir, &places);
    let nginx = Nginx::start(dir, &places);
    configure(&scratch, &places.fill(CONFIG, dir)).unwrap();
    let mut daemon = Daemon::start(HEKAD, &scratch).unwrap();

    let (direct, proxied) =
        (format!("http://127.0.0.1:{hekad}/x"), format!("http://127.0.0.1:{plain}/to-hekad"));
    let listens = || std::net::TcpStream::connect(("127.0.0.1", hekad)).is_ok();
    assert!(wait_until(LIMIT, listens));
    assert_eq!(curl(&["-d", "plain form", &direct], b""), "200");
    assert_eq!(curl(&["-T", "-", "-H", "Transfer-Encoding: chunked", &direct], b"in chunks"), "200");
    let large = [&b"large "[..], &vec![b'x'; 2_000_000], b" end"].concat();
    assert_eq!(curl(&["--data-binary", "@-", "-H", "Expect: 100-continue", &direct], &large), "200");
    for number in 0..5 {
        assert_eq!(curl(&["-d", &format!("through nginx {number}"), &proxied], b""), "200");
    }
    assert_eq!(curl(&[&direct], b""), "200");

    let taken = dir.join("taken.log");
    let agent = "POST /take plain Go-http-client/1.1 ";
    let sent = ["plain form", "in chunks", "large xxx", "xxx end", "through nginx 0", "through nginx 4"];
    await_text(&taken, &sent);
    let kept = fs::read_to_string(&taken).unwrap();
    assert_eq!(kept.lines().filter(|line| line.starts_with(agent)).count(), 8, "one request a message");
    await_text(&dir.join("secret.log"), &["through nginx 0", "through nginx 4"]);
    assert!(!fs::read_to_string(dir.join("secret.log")).unwrap().contains("plain form"));
    await_text(&dir.join("polled.out"), &["200 6 a page that nginx compresses\n", "404 1 not here\n"]);

    nginx.stop();
    assert_eq!(curl(&["-d", "while nginx was down", &direct], b""), "200");
    await_text(&dir.join("polled.out"), &["-1 1 Get \"http://127.0.0.1:", "connect: connection refused\n"]);
    let nginx = Nginx::start(dir, &places);
    await_text(&taken, &["while nginx was down"]);
    daemon.stop(LIMIT).unwrap();
    nginx.stop();
    let log = daemon.log();
    assert!(log.contains("Error making HTTP request: Post \"http://127.0.0.1:"), "{log}");
}
