//! Whether hekad works, and whether it takes messages.

use heka_plugin::Verdict;
use heka_plugin::telemetry::Snapshot;

/// hekad works as long as its queues do. That a peer is down or a disk is full is no reason to start it anew.
pub fn health(figures: &Snapshot) -> Verdict {
    let failed = figures.queues.iter().filter(|queue| queue.failed);
    Verdict {
        wrong: failed.map(|queue| format!("the {} queue cannot hold records any more", queue.name)).collect(),
    }
}

/// hekad takes messages unless it stops, or inputs are held back.
pub fn ready(figures: &Snapshot) -> Verdict {
    let mut wrong = health(figures).wrong;
    if figures.stopping {
        wrong.push("hekad is stopping".into());
    }
    if figures.queue_refuses {
        wrong.push("the queue takes no records".into());
    }
    if figures.inputs_held {
        let holding: Vec<_> = figures
            .readers
            .iter()
            .filter(|reader| reader.holds_inputs)
            .map(|reader| &reader.name[..])
            .collect();
        let who = if holding.is_empty() { "a reader" } else { &holding.join(", ") };
        wrong.push(format!("inputs are held back: too much is queued for {who}"));
    }
    Verdict { wrong }
}

/// What is said before hekad runs and after it has stopped.
pub fn absent() -> Verdict {
    Verdict { wrong: vec!["hekad does not run yet or any more".into()] }
}

#[cfg(test)]
mod tests {
    use heka_plugin::telemetry::{QueueFigures, ReaderFigures};

    use super::*;

    #[test]
    fn a_full_disk_or_lag_makes_hekad_unready_but_not_unhealthy() {
        let reader = ReaderFigures { name: "out".into(), holds_inputs: true, ..ReaderFigures::default() };
        let figures =
            Snapshot { inputs_held: true, queue_refuses: true, readers: vec![reader], ..Snapshot::default() };
        assert!(health(&figures).is_good());
        let text = ready(&figures).to_string();
        assert_eq!(text, "the queue takes no records\ninputs are held back: too much is queued for out\n");
        assert_eq!(ready(&Snapshot::default()).to_string(), "ok\n");
    }

    #[test]
    fn a_failed_queue_is_the_end() {
        let queue = QueueFigures { name: "input", failed: true, ..QueueFigures::default() };
        let figures = Snapshot { queues: vec![queue], ..Snapshot::default() };
        assert_eq!(health(&figures).to_string(), "the input queue cannot hold records any more\n");
        assert!(!ready(&figures).is_good());
    }
}
