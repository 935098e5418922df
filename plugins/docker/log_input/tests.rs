use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

use heka_plugin::input::InputPlugin;
use heka_plugin::{Context, Globals, Input, Stop};

use super::{Config, DockerLogInput};
use crate::fake_inlet::FakeInlet;

/// What the engine under test has.
#[derive(Default)]
struct State {
    /// Bytes of the log; `None`: it is refused.
    log: Option<Vec<u8>>,
    running: bool,
    tty: bool,
    /// Paths that were asked for.
    asked: Vec<String>,
    /// Events to come.
    events: Vec<String>,
    ended: bool,
}

/// An engine that answers as Docker's API documents it.
#[derive(Clone)]
struct FakeEngine {
    state: Arc<(Mutex<State>, Condvar)>,
    address: String,
}

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

impl FakeEngine {
    fn start(state: State) -> FakeEngine {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let engine = FakeEngine { state: Arc::new((Mutex::new(state), Condvar::new())), address };
        let serving = engine.clone();
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let engine = serving.clone();
                // A client that has gone is no failure of the test.
                std::thread::spawn(move || drop(engine.serve(socket)));
            }
        });
        engine
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.0.lock().unwrap());
        self.state.1.notify_all();
    }

    fn asked(&self) -> Vec<String> {
        self.state.0.lock().unwrap().asked.clone()
    }

    fn serve(&self, mut socket: TcpStream) -> std::io::Result<()> {
        let mut head = BufReader::new(socket.try_clone()?).lines();
        let first = head.next().unwrap_or_else(|| Ok(String::new()))?;
        while head.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
        let path = first.split(' ').nth(1).unwrap_or_default().to_string();
        self.change(|state| state.asked.push(path.clone()));
        let (running, tty) = {
            let state = self.state.0.lock().unwrap();
            (state.running, state.tty)
        };
        let id = &ID[..12];
        if path.starts_with("/events") {
            write!(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            let mut sent = 0;
            loop {
                let state = self.state.0.lock().unwrap();
                let state =
                    self.state.1.wait_while(state, |state| state.events.len() == sent && !state.ended);
                let state = state.unwrap();
                if state.ended {
                    return Ok(());
                }
                let event = state.events[sent].clone();
                drop(state);
                sent += 1;
                write!(socket, "{:x}\r\n{event}\r\n", event.len())?;
            }
        }
        if path.starts_with(&format!("/containers/{id}/logs")) {
            let log = self.state.0.lock().unwrap().log.clone();
            let Some(log) = log else { return reply(&mut socket, "500 No", "no such driver\n") };
            write!(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            for piece in log.chunks(5) {
                write!(socket, "{:x}\r\n", piece.len())?;
                socket.write_all(piece)?;
                write!(socket, "\r\n")?;
            }
            let state = self.state.0.lock().unwrap();
            drop(self.state.1.wait_while(state, |state| state.running && !state.ended).unwrap());
            return write!(socket, "0\r\n\r\n");
        }
        let listed = if running { format!("[{{\"Id\":\"{ID}\"}}]") } else { "[]".into() };
        let inspected = format!(
            "{{\"Name\":\"/box\",\"State\":{{\"Running\":{running}}},\"Config\":{{\"Tty\":{tty},\"Image\":\"img\"}}}}"
        );
        match path.as_str() {
            "/containers/json" => reply(&mut socket, "200 OK", &listed),
            path if path == format!("/containers/{id}/json") => reply(&mut socket, "200 OK", &inspected),
            _ => reply(&mut socket, "404 Not Found", "{}"),
        }
    }
}

fn reply(socket: &mut TcpStream, status: &str, body: &str) -> std::io::Result<()> {
    write!(socket, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn frame(which: u8, text: &str) -> Vec<u8> {
    let size = u32::try_from(text.len()).unwrap().to_be_bytes();
    [&[which, 0, 0, 0], &size[..], text.as_bytes()].concat()
}

fn open(engine: &FakeEngine, folder: &std::path::Path) -> DockerLogInput {
    let mut context = Context::for_test("logs");
    context.globals =
        Arc::new(Globals { hostname: "test.host".into(), base_dir: folder.into(), ..Globals::default() });
    let config = Config { endpoint: format!("tcp://{}", engine.address), ..Config::default() };
    DockerLogInput::open(config, &context).unwrap()
}

/// Runs the input until `seen` has returned.
fn while_following(input: &mut DockerLogInput, inlet: &FakeInlet, seen: impl FnOnce()) {
    let stop = Stop::new();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| input.run(inlet, &stop));
        seen();
        stop.request();
        running.join().unwrap().unwrap();
    });
}

#[test]
fn each_frame_of_both_streams_is_a_message() {
    let log = [frame(1, "out\n"), frame(2, "err\n"), frame(1, "tail")].concat();
    let engine = FakeEngine::start(State { log: Some(log), running: true, ..State::default() });
    let folder = tempfile::tempdir().unwrap();
    let inlet = FakeInlet { whole_reads: true, ..FakeInlet::default() };
    while_following(&mut open(&engine, folder.path()), &inlet, || {
        let messages = inlet.messages(3);
        let shown: Vec<String> = messages
            .iter()
            .map(|message| {
                format!("{}:{}", message.logger.as_ref().unwrap(), message.payload.as_ref().unwrap())
            })
            .collect();
        assert_eq!(shown, ["stdout:out\n", "stderr:err\n", "stdout:tail"]);
        assert_eq!(messages[0].msg_type.as_ref().unwrap(), "DockerLog");
        assert_eq!(messages[0].hostname.as_ref().unwrap(), "test.host");
        let names: Vec<String> = messages[0].fields.iter().map(|field| field.name().to_string()).collect();
        assert_eq!(names, ["ContainerID", "ContainerName", "ContainerImage"]);
        assert_eq!(inlet.tokens(2), ["box-stdout", "box-stderr"]);
        engine.change(|state| state.running = false);
        inlet.log_with("Disconnecting stderr stream from 0123456789ab");
    });
    engine.change(|state| state.running = true);
    let logs = "/containers/0123456789ab/logs?follow=1&stderr=1&stdout=1&tail=all";
    assert!(engine.asked().contains(&logs.to_string()), "{:?}", engine.asked());
    // The next run asks for what is new only.
    while_following(&mut open(&engine, folder.path()), &inlet, || drop(inlet.messages(6)));
    let again = engine.asked().pop().unwrap();
    assert!(again.starts_with(&format!("{logs}&since=")), "{again}");
}

#[test]
fn a_container_that_starts_is_followed_and_a_terminal_has_no_frames() {
    let engine = FakeEngine::start(State { log: Some(b"plain\n".to_vec()), tty: true, ..State::default() });
    let folder = tempfile::tempdir().unwrap();
    let inlet = FakeInlet::default();
    while_following(&mut open(&engine, folder.path()), &inlet, || {
        inlet.log_with("Attached to all containers");
        let start = format!("{{\"status\":\"start\",\"id\":\"{ID}\",\"time\":1}}\n");
        engine.change(|state| {
            state.running = true;
            let (head, tail) = start.split_at(20);
            state.events = vec!["{\"status\":\"die\",\"id\":\"x\"}\n".into(), head.into(), tail.into()];
        });
        assert_eq!(inlet.payloads(1), ["plain\n"]);
        engine.change(|state| state.running = false);
        inlet.log_with("Disconnecting stderr stream from 0123456789ab");
        inlet.ended(2);
    });
}

#[test]
fn a_refusal_and_a_lost_engine_are_told() {
    let engine = FakeEngine::start(State { running: true, ..State::default() });
    let folder = tempfile::tempdir().unwrap();
    let inlet = FakeInlet::default();
    while_following(&mut open(&engine, folder.path()), &inlet, || {
        inlet.log_with("error: streaming container 0123456789ab logs: API error (500): no such driver");
        engine.change(|state| state.log = Some(frame(1, "now\n")));
        assert_eq!(inlet.payloads(1), ["now\n"]);
        engine.change(|state| state.ended = true);
        inlet.log_with("error: Events channel closed, restarting...");
    });
    let nobody = FakeEngine { address: "127.0.0.1:1".into(), ..engine };
    let inlet = FakeInlet::default();
    while_following(&mut open(&nobody, folder.path()), &inlet, || {
        inlet.log_with(
            "error: cannot ask Docker, trying again: dial tcp 127.0.0.1:1: connect: connection refused",
        );
    });
}

#[test]
fn a_bad_interval_is_refused() {
    let config = Config { since_interval: "soon".into(), ..Config::default() };
    let error = DockerLogInput::open(config, &Context::for_test("logs")).err().unwrap().to_string();
    assert!(error.starts_with("Can't parse since_interval value 'soon': "), "{error}");
}
