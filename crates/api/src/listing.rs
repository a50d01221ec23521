//! Listings: one entry with everything below it, written in pieces.

use crate::metadata::Metadata;
use crate::reply::{FieldSpec, Reply, Value, Written};
use pileus_wire::{Sink, Tree};

/// Entries written before a listing hands control back. At about 400 bytes each this makes pieces of some 64 KiB.
const ENTRIES_PER_PIECE: usize = 160;

/// One entry of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// How far below the listed entry it is, which itself has depth 0.
    pub depth: u32,
    /// Whether the entry shows `contents`, perhaps empty ones. Its children are the nodes one deeper that follow it.
    pub open: bool,
    /// The entry.
    pub metadata: Metadata,
}

/// The reply of the listing methods: `metadata` with nested `contents`.
///
/// It is kept as a flat list in depth-first order, not as a tree: a listing of a million entries then costs one vector
/// and no recursion, and can stop writing anywhere and go on later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    nodes: Vec<Node>,
    next: usize,
    /// Depths of the folders whose `contents` are open while writing.
    open: Vec<u32>,
}

impl Listing {
    /// A listing from its nodes: the listed entry first, then everything below it, depth first.
    pub fn new(nodes: Vec<Node>) -> Self {
        Self {
            nodes,
            next: 0,
            open: Vec::new(),
        }
    }

    /// The nodes in depth-first order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Takes the nodes out again, in depth-first order.
    pub fn into_nodes(self) -> Vec<Node> {
        self.nodes
    }

    /// The listed entry itself.
    pub fn top(&self) -> Option<&Metadata> {
        self.nodes.first().map(|node| &node.metadata)
    }

    /// The entries directly inside the listed one.
    pub fn contents(&self) -> impl Iterator<Item = &Metadata> {
        self.nodes
            .iter()
            .filter(|node| node.depth == 1)
            .map(|node| &node.metadata)
    }

    fn read_below(tree: &Tree, depth: u32, nodes: &mut Vec<Node>) -> Option<()> {
        let contents = match tree.get("contents") {
            Some(Tree::List(contents)) => Some(contents),
            Some(_) => return None,
            None => None,
        };
        nodes.push(Node {
            depth,
            open: contents.is_some(),
            metadata: Metadata::read(tree)?,
        });
        contents
            .into_iter()
            .flatten()
            .try_for_each(|child| Self::read_below(child, depth + 1, nodes))
    }
}

/// Ends the `contents` of every open folder that an entry at this depth is not inside of.
fn close_to(open: &mut Vec<u32>, depth: u32, out: &mut dyn Sink) {
    while open.last().is_some_and(|&folder| folder >= depth) {
        open.pop();
        out.end_list();
        out.end_hash();
    }
}

impl Reply for Listing {
    fn write(&mut self, out: &mut dyn Sink) -> Written {
        for _ in 0..ENTRIES_PER_PIECE {
            let Some(node) = self.nodes.get(self.next) else {
                close_to(&mut self.open, 0, out);
                return Written::All;
            };
            close_to(&mut self.open, node.depth, out);
            if self.next == 0 {
                out.key("metadata");
            }
            out.begin_hash();
            node.metadata.write_pairs(out);
            if node.open {
                out.key("contents");
                out.begin_list();
                self.open.push(node.depth);
            } else {
                out.end_hash();
            }
            self.next += 1;
        }
        Written::Some
    }

    fn read(answer: &Tree) -> Option<Self> {
        let mut nodes = Vec::new();
        Self::read_below(answer.get("metadata")?, 0, &mut nodes)?;
        Some(Self::new(nodes))
    }

    fn describe(out: &mut Vec<FieldSpec>) {
        out.push(FieldSpec {
            name: "metadata",
            kind: "metadata".into(),
            doc: "The listed entry, with `contents`: an array of metadata, nested where the listing is recursive.",
            optional: false,
        });
    }
}
