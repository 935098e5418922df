use std::net::UdpSocket;
use std::sync::Mutex;

use heka_plugin::Stat;

use super::*;
use crate::fake_inlet::FakeInlet;

/// Keeps what it gets, until it is closed.
#[derive(Default)]
struct Kept {
    stats: Mutex<Vec<Stat>>,
    closed: bool,
}

impl StatAccumulator for Kept {
    fn drop_stat(&self, stat: &Stat) -> bool {
        self.stats.lock().unwrap().push(stat.clone());
        !self.closed
    }
}

fn opened(context: &Context) -> StatsdInput {
    StatsdInput::open(Config { address: "127.0.0.1:0".into(), ..Config::default() }, context).unwrap()
}

#[test]
fn lines_of_datagrams_reach_the_accumulator() {
    let context = Context::for_test("statsd");
    let kept = Arc::new(Kept::default());
    context.accumulators.register("StatAccumInput", kept.clone());
    let mut input = opened(&context);
    let address = input.socket.address();
    let (inlet, stop) = (FakeInlet::default(), Stop::new());
    std::thread::scope(|scope| {
        let run = scope.spawn(|| input.run(&inlet, &stop));
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        for datagram in ["a:1|c\nb:2|g\n", "what", "t:3|ms"] {
            socket.send_to(datagram.as_bytes(), address).unwrap();
        }
        inlet.log_with("can't parse message: what");
        stop.request();
        run.join().unwrap().unwrap();
    });
    let names: Vec<String> = kept.stats.lock().unwrap().iter().map(|stat| stat.bucket.to_string()).collect();
    assert_eq!(names, ["a", "b", "t"]);
}

#[test]
fn an_accumulator_that_has_ended_is_told_of() {
    let inlet = FakeInlet::default();
    take(b"a:1|c", &Kept { closed: true, ..Kept::default() }, &inlet);
    inlet.log_with("undelivered stat: {Bucket:a Value:1 Modifier:c Sampling:1}");
}

#[test]
fn without_an_accumulator_it_does_not_run() {
    let context = Context::for_test("statsd");
    let mut input = opened(&context);
    let mut run = || input.run(&FakeInlet::default(), &Stop::new()).unwrap_err().to_string();
    assert_eq!(run(), "No Input named 'StatAccumInput");
    context.accumulators.note_input("StatAccumInput");
    assert_eq!(run(), "Input 'StatAccumInput' is not a StatAccumulator");
}
