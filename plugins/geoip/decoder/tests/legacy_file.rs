//! Writes legacy GeoIP files.

use std::net::IpAddr;

/// What a file says of a network.
pub(crate) struct City {
    /// The country's number.
    pub(crate) country: u8,
    pub(crate) region: &'static str,
    /// In ISO 8859-1.
    pub(crate) city: &'static [u8],
    pub(crate) postal: &'static str,
    /// Degrees times 10,000.
    pub(crate) latitude: i32,
    pub(crate) longitude: i32,
    /// Metro code times 1000, plus area code.
    pub(crate) codes: u32,
}

/// What a branch of a node leads to.
#[derive(Clone, Copy)]
enum Branch {
    Nothing,
    Node(usize),
    /// Bytes from the start of the records.
    Record(usize),
}

/// A file of this edition; of networks (`address/length`) within others the larger stands first.
pub(crate) fn write(edition: u8, networks: &[(&str, &City)]) -> Vec<u8> {
    let mut nodes = vec![[Branch::Nothing; 2]];
    // The first record stands one byte behind the tree: at the start means nothing is known.
    let mut records = vec![0];
    for (network, city) in networks {
        insert(&mut nodes, network, Branch::Record(records.len()));
        write_record(city, edition, &mut records);
    }
    let number = |value: usize| value.to_le_bytes()[..3].to_vec();
    let mut file = Vec::new();
    for branch in nodes.iter().flatten() {
        file.extend(number(match branch {
            Branch::Nothing => nodes.len(),
            Branch::Node(node) => *node,
            Branch::Record(at) => nodes.len() + at,
        }));
    }
    file.extend(records);
    file.extend([0xff, 0xff, 0xff, edition]);
    file.extend(number(nodes.len()));
    file
}

fn insert(nodes: &mut Vec<[Branch; 2]>, network: &str, record: Branch) {
    let (address, length) = network.split_once('/').unwrap();
    let bits = match address.parse().unwrap() {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    };
    let side = |depth: usize| usize::from(bits << depth >> 127 == 1);
    let last: usize = length.parse::<usize>().unwrap() - 1;
    let mut node = 0;
    for depth in 0..last {
        node = match nodes[node][side(depth)] {
            Branch::Node(next) => next,
            // A larger network is cut in two.
            larger => {
                nodes.push([larger; 2]);
                let next = nodes.len() - 1;
                nodes[node][side(depth)] = Branch::Node(next);
                next
            }
        };
    }
    nodes[node][side(last)] = record;
}

fn write_record(city: &City, edition: u8, out: &mut Vec<u8>) {
    out.push(city.country);
    for text in [city.region.as_bytes(), city.city, city.postal.as_bytes()] {
        out.extend_from_slice(text);
        out.push(0);
    }
    for degrees in [city.latitude, city.longitude] {
        out.extend_from_slice(&(degrees + 1_800_000).to_le_bytes()[..3]);
    }
    let has_codes = ![6, 31, 111].contains(&edition) && city.country == 225;
    if has_codes {
        out.extend_from_slice(&city.codes.to_le_bytes()[..3]);
    }
}
