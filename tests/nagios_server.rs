//! NagiosOutput with Nagios itself: results go through apache and cmd.cgi, or through send_nsca and nsca, into its log.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use heka_testkit::daemon::{Daemon, configure};
use heka_testkit::ports::free_ports;
use heka_testkit::servers;
use heka_testkit::{Scratch, wait_until};

const HEKAD: &str = env!("CARGO_BIN_EXE_hekad");
const LIMIT: Duration = Duration::from_secs(60);

const NAGIOS: &str = "
log_file=$DIR/nagios.log
cfg_file=$DIR/objects.cfg
object_cache_file=$DIR/objects.cache
precached_object_file=$DIR/objects.precache
status_file=$DIR/status.dat
state_retention_file=$DIR/retention.dat
temp_file=$DIR/nagios.tmp
temp_path=$DIR
check_result_path=$DIR/spool
command_file=$DIR/nagios.cmd
lock_file=$DIR/nagios.pid
query_socket=$DIR/nagios.qh
nagios_user=root
nagios_group=www-data
check_external_commands=1
accept_passive_service_checks=1
log_passive_checks=1
use_syslog=0
";

const OBJECTS: &str = "
define timeperiod {
 timeperiod_name always
 alias always
}
define command {
 command_name none
 command_line /bin/true
}
define contact {
 contact_name boss
 host_notification_period always
 service_notification_period always
 host_notification_options n
 service_notification_options n
 host_notification_commands none
 service_notification_commands none
}
define host {
 host_name box
 address 127.0.0.1
 max_check_attempts 1
 check_period always
 notification_period always
 check_command none
 active_checks_enabled 0
 contacts boss
}
define service {
 host_name box
 service_description disk space
 max_check_attempts 1
 check_interval 60
 retry_interval 60
 check_period always
 notification_period always
 check_command none
 active_checks_enabled 0
 passive_checks_enabled 1
 contacts boss
}
";

const CGI: &str = "
main_config_file=$DIR/nagios.cfg
physical_html_path=/usr/share/nagios4/htdocs
url_html_path=/nagios4
use_authentication=1
authorized_for_all_services=boss
authorized_for_all_service_commands=boss
";

const APACHE: &str = "
ServerRoot $DIR
ServerName localhost
Listen 127.0.0.1:$WEB
PidFile $DIR/apache.pid
ErrorLog $DIR/apache.log
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authn_core_module /usr/lib/apache2/modules/mod_authn_core.so
LoadModule authn_file_module /usr/lib/apache2/modules/mod_authn_file.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule authz_user_module /usr/lib/apache2/modules/mod_authz_user.so
LoadModule auth_basic_module /usr/lib/apache2/modules/mod_auth_basic.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
LoadModule env_module /usr/lib/apache2/modules/mod_env.so
LoadModule cgid_module /usr/lib/apache2/modules/mod_cgid.so
ScriptSock $DIR/cgid.sock
User www-data
Group www-data
ScriptAlias /cgi-bin/ /usr/lib/cgi-bin/nagios4/
<Directory /usr/lib/cgi-bin/nagios4>
SetEnv NAGIOS_CGI_CONFIG $DIR/cgi.cfg
AuthType Basic
AuthName nagios
AuthUserFile $DIR/users
Require valid-user
</Directory>
";

const NSCA: &str = "
server_address=127.0.0.1
server_port=$NSCA
command_file=$DIR/nagios.cmd
alternate_dump_file=$DIR/nsca.dump
password=sesame
decryption_method=1
max_packet_age=60
";

const SEND_NSCA: &str = "password=sesame\nencryption_method=1\n";

const HEKA: &str = r#"
[hekad]
base_dir = "$DIR/base"
log_flags = 0

[feed]
type = "LogstreamerInput"
log_directory = "$DIR/in"
file_match = 'feed\.log'

[http]
type = "NagiosOutput"
message_matcher = "Payload =~ /http/"
url = "http://127.0.0.1:$WEB/cgi-bin/cmd.cgi"
username = "boss"
password = "pw"
nagios_host = "box"
nagios_service_description = "disk space"

[wrong]
type = "NagiosOutput"
message_matcher = "Payload =~ /first/"
url = "http://127.0.0.1:$WEB/cgi-bin/cmd.cgi"
username = "boss"
password = "guess"
nagios_host = "box"
nagios_service_description = "disk space"

[unknown]
type = "NagiosOutput"
message_matcher = "Payload =~ /first/"
url = "http://127.0.0.1:$WEB/cgi-bin/cmd.cgi"
username = "boss"
password = "pw"
nagios_host = "box"
nagios_service_description = "no such service"

[nsca]
type = "NagiosOutput"
message_matcher = "Payload =~ /nsca/"
send_nsca_bin = "send_nsca"
send_nsca_args = ["-H", "127.0.0.1", "-p", "$NSCA", "-c", "$DIR/send_nsca.cfg", "-to", "3"]
nagios_host = "box"
nagios_service_description = "disk space"
"#;

/// A program that is killed when dropped, with what it started.
struct Running(Child);

impl Running {
    fn start(dir: &Path, words: &[&str]) -> Running {
        let log = OpenOptions::new().create(true).append(true).open(dir.join("programs.log")).unwrap();
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).env("PATH", path).stdin(Stdio::null());
        command.stdout(log.try_clone().unwrap()).stderr(log);
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Running(command.spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It fails only if all are gone already.
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.0.id())]).status();
        let _ = self.0.wait();
    }
}

struct Rig {
    scratch: Scratch,
    web: u16,
    nsca: u16,
}

impl Rig {
    fn new() -> Rig {
        let ports = free_ports(2).unwrap();
        let rig = Rig { scratch: Scratch::new().unwrap(), web: ports[0], nsca: ports[1] };
        let dir = rig.dir();
        // cmd.cgi runs as another user.
        fs::set_permissions(dir, Permissions::from_mode(0o777)).unwrap();
        fs::create_dir_all(dir.join("spool")).unwrap();
        for (name, text) in [
            ("nagios.cfg", NAGIOS),
            ("objects.cfg", OBJECTS),
            ("cgi.cfg", CGI),
            ("apache.conf", APACHE),
            ("nsca.cfg", NSCA),
            ("send_nsca.cfg", SEND_NSCA),
        ] {
            rig.scratch.write(name, rig.fill(text)).unwrap();
        }
        let hash = Command::new("openssl").args(["passwd", "-apr1", "-salt", "heka", "pw"]).output().unwrap();
        rig.scratch.write("users", [b"boss:", &hash.stdout[..]].concat()).unwrap();
        rig.feed(&[]);
        rig
    }

    fn dir(&self) -> &Path {
        self.scratch.path()
    }

    fn fill(&self, text: &str) -> String {
        let numbers = [("$WEB", self.web), ("$NSCA", self.nsca)];
        let filled = text.replace("$DIR", self.dir().to_str().unwrap());
        numbers.iter().fold(filled, |text, (name, port)| text.replace(name, &port.to_string()))
    }

    fn start(&self, words: &[&str], port: Option<u16>) -> Running {
        let words: Vec<String> = words.iter().map(|word| self.fill(word)).collect();
        let program = Running::start(self.dir(), &words.iter().map(String::as_str).collect::<Vec<_>>());
        let ready = || match port {
            Some(port) => TcpStream::connect(("127.0.0.1", port)).is_ok(),
            None => self.scratch.join("nagios.cmd").exists() && self.scratch.join("objects.cache").exists(),
        };
        assert!(
            wait_until(LIMIT, ready),
            "{words:?}: {}",
            String::from_utf8_lossy(&self.scratch.read("programs.log"))
        );
        program
    }

    fn feed(&self, lines: &[&str]) {
        let path = self.scratch.join("in/feed.log");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(lines.iter().map(|line| format!("{line}\n")).collect::<String>().as_bytes()).unwrap();
    }

    /// Whether Nagios has logged this result.
    fn has(&self, state: u8, text: &str) -> bool {
        let log = self.scratch.read("nagios.log");
        let log = String::from_utf8_lossy(&log);
        let is_it = |line: &str| {
            let result = line
                .split_once("PROCESS_SERVICE_CHECK_RESULT;box;disk space;")
                .map_or("", |(_, result)| result);
            let (its_state, its_text) = result.split_once(';').unwrap_or_default();
            its_state == state.to_string() && its_text.trim_start().starts_with(text)
        };
        log.lines().any(is_it)
    }
}

#[test]
fn results_reach_nagios_both_ways_and_outlast_kills() {
    if !servers::can_be_had(env!("CARGO_MANIFEST_DIR"), "nagios", "nagios4, apache2 or nsca") {
        return;
    }
    let rig = Rig::new();
    let apache = ["apache2", "-f", "$DIR/apache.conf", "-DFOREGROUND"];
    let nsca = ["nsca", "-c", "$DIR/nsca.cfg", "-f"];
    let _nagios = rig.start(&["nagios4", "$DIR/nagios.cfg"], None);
    let web = rig.start(&apache, Some(rig.web));
    let listener = rig.start(&nsca, Some(rig.nsca));
    configure(&rig.scratch, &rig.fill(HEKA)).unwrap();
    let mut daemon = Daemon::start(HEKAD, &rig.scratch).unwrap();
    rig.feed(&["OK:first http & nsca", "CRITICAL: over http", "WARNING:by nsca"]);
    for (state, text) in [(0, "first http & nsca"), (2, "over http"), (1, "by nsca")] {
        daemon.wait_for(text, LIMIT, |_| rig.has(state, text.trim())).unwrap();
    }
    daemon
        .wait_for_log("service 'no such service' on host 'box': Sorry, but you are not authorized", LIMIT)
        .unwrap();
    daemon.wait_for_log("HTTP Error code returned: 401", LIMIT).unwrap();

    drop((web, listener));
    rig.feed(&["OK:http when down", "OK:nsca when down"]);
    daemon.wait_for_log("connect: connection refused", LIMIT).unwrap();
    daemon.wait_for_log("send_nsca: exit status", LIMIT).unwrap();
    let _web = rig.start(&apache, Some(rig.web));
    let _listener = rig.start(&nsca, Some(rig.nsca));
    for text in ["http when down", "nsca when down"] {
        daemon.wait_for(text, LIMIT, |_| rig.has(0, text)).unwrap();
    }
    assert!(daemon.stop(LIMIT).unwrap().success());
}
