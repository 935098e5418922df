//! Grammars: a table of rules becomes one pattern.

mod verify;

use std::ffi::c_int;

use mlua::ffi;

use crate::node::{Node, Tag, second, shift_keys};
use crate::pattern::{Pattern, check_key_count, copy_values};
use crate::state::State;

/// Rules that a grammar may have.
pub(crate) const MAX_RULES: usize = 200;

/// Stack slots while a grammar is built: the table from rule name to place in the tree, then name and pattern of each
/// rule, the initial one first.
#[derive(Clone, Copy)]
struct Rules {
    places: c_int,
    count: c_int,
    nodes: usize,
    depth: u32,
}

impl Rules {
    fn name(self, rule: c_int) -> c_int {
        self.places + 1 + 2 * rule
    }

    fn pattern(self, rule: c_int) -> c_int {
        self.places + 2 + 2 * rule
    }
}

/// Pushes the pattern of the grammar in the table at `idx`.
pub(crate) fn push(l: State, idx: c_int) -> Pattern {
    let rules = collect(l, idx);
    l.arg_check(rules.count as usize <= MAX_RULES, idx, c"grammar has too many rules");
    l.check_stack(8, c"grammar has too many rules");
    let mut pattern = Pattern::push_new(l, rules.nodes, rules.depth + 2);
    fill(l, &mut pattern, rules);
    l.get_env(-1);
    bind_calls(l, rules.places, pattern.tree_mut());
    name_initial_rule(l, &mut pattern, rules);
    verify::check(l, pattern.tree());
    l.pop(1);
    l.replace(rules.places);
    l.set_top(rules.places);
    pattern
}

/// Raises an error if a call is left that no grammar has bound. The environment is on top of the stack.
pub(crate) fn reject_open_calls(l: State, tree: &[Node]) {
    if let Some(call) = next_open_call(tree, 0) {
        l.raw_get_at(-1, c_int::from(tree[call].key()));
        l.error_text(c"rule '%s' used outside a grammar", l.printable(-1));
    }
}

/// The first open call from `i` on that is not inside a grammar of its own.
fn next_open_call(tree: &[Node], mut i: usize) -> Option<usize> {
    while i < tree.len() {
        match tree[i].tag() {
            Tag::OpenCall => return Some(i),
            Tag::Grammar => i = second(tree, i),
            _ => i += tree[i].width(),
        }
    }
    None
}

/// Pushes the initial rule's name and pattern and records its place.
fn collect_initial(l: State, idx: c_int, places: c_int) {
    l.raw_get_at(idx, 1);
    if l.is_text(-1) {
        l.push_value(-1);
        l.get_table(idx);
    } else {
        l.push_number(1.0);
        l.insert(-2);
    }
    if !Pattern::is_pattern(l, -1) {
        if l.type_of(-1) == ffi::LUA_TNIL {
            l.error(c"grammar has no initial rule");
        }
        l.error_text(c"initial rule '%s' is not a pattern", l.printable(-2));
    }
    l.push_value(-2);
    l.push_number(1.0);
    l.raw_set(places);
}

fn collect(l: State, idx: c_int) -> Rules {
    let places = l.top() + 1;
    l.create_table(0, 0);
    collect_initial(l, idx, places);
    let initial = Pattern::check(l, places + 2);
    let mut rules = Rules { places, count: 1, nodes: 2 + initial.tree().len(), depth: initial.depth() };
    l.push_nil();
    while l.next(idx) != 0 {
        if l.to_number(-2) == 1.0 || l.equal(-2, places + 1) {
            l.pop(1);
            continue;
        }
        if !Pattern::is_pattern(l, -1) {
            l.error_text(c"rule '%s' is not a pattern", l.printable(-2));
        }
        l.check_stack(ffi::LUA_MINSTACK, c"grammar has too many rules");
        l.push_value(-2);
        l.push_number(rules.nodes as f64);
        l.raw_set(places);
        let rule = Pattern::check(l, -1);
        rules.nodes += 1 + rule.tree().len();
        rules.depth = rules.depth.max(rule.depth());
        rules.count += 1;
        // The key again, for the next step.
        l.push_value(-2);
    }
    rules.nodes += 1;
    rules
}

/// Copies the rules into the new pattern on top of the stack, and their values into its environment.
fn fill(l: State, pattern: &mut Pattern, rules: Rules) {
    let keys = (0..rules.count).map(|r| Pattern::check(l, rules.pattern(r)).keys()).sum();
    check_key_count(l, keys + 1);
    l.create_table(keys as c_int + 1, 0);
    let tree = pattern.tree_mut();
    tree[0] = Node::with_n(Tag::Grammar, rules.nodes).set_key(rules.count as u16);
    let (mut at, mut added) = (1, 0);
    for rule in 0..rules.count {
        let source = Pattern::check(l, rules.pattern(rule));
        let body = source.tree();
        tree[at] = Node::with_n(Tag::Rule, body.len() + 1);
        tree[at + 1..][..body.len()].copy_from_slice(body);
        shift_keys(&mut tree[at + 1..][..body.len()], added as u16);
        copy_values(l, rules.pattern(rule), source.keys(), added);
        added += source.keys();
        at += 1 + body.len();
    }
    tree[at] = Node::new(Tag::True);
    pattern.set_keys(keys);
    l.set_env(-2);
}

/// Binds the open calls of the rules to their places. The environment is on top of the stack.
fn bind_calls(l: State, places: c_int, tree: &mut [Node]) {
    let mut from = 1;
    while let Some(call) = next_open_call(tree, from) {
        let key = tree[call].key();
        l.raw_get_at(-1, c_int::from(key));
        l.get_table(places);
        let place = l.to_integer(-1);
        l.pop(1);
        if place == 0 {
            l.raw_get_at(-1, c_int::from(key));
            l.error_text(c"rule '%s' undefined in given grammar", l.printable(-1));
        }
        tree[call] = Node::new(Tag::Call).set_key(key).set_n((place - call as isize) as i32);
        tree[place as usize] = tree[place as usize].set_key(key);
        from = call + 1;
    }
}

/// Gives the initial rule a name if no call did. The environment is on top of the stack.
fn name_initial_rule(l: State, pattern: &mut Pattern, rules: Rules) {
    let tree = pattern.tree_mut();
    if tree[1].key() == 0 {
        let key = pattern.keys() + 1;
        l.push_value(rules.name(0));
        l.raw_set_at(-2, key as c_int);
        pattern.set_keys(key);
        tree[1] = tree[1].set_key(key as u16);
    }
}
