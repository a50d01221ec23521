//! Computing the values of a scenario, and finding fields in answers.

use crate::Result;
use crate::random::content;
use crate::script::{Function, Path, Piece, Segment, Value};
use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use pileus_wire::Tree;
use sha1::{Digest, Sha1};
use sha2::Sha256;
use std::collections::HashMap;
use std::time::SystemTime;

/// A computed value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// Text, or bytes that are none.
    Bytes(Vec<u8>),
    /// Anything else that an answer can hold.
    Tree(Tree),
}

impl Item {
    /// The bytes of a text; numbers and flags show as HTTP would send them.
    pub(super) fn into_bytes(self) -> Result<Vec<u8>> {
        Ok(match self {
            Self::Bytes(bytes) => bytes,
            Self::Tree(Tree::Text(text)) => text.into_bytes(),
            Self::Tree(Tree::Num(number)) => number.to_string().into_bytes(),
            Self::Tree(Tree::Bool(flag)) => u8::from(flag).to_string().into_bytes(),
            Self::Tree(_) => return Err("neither a list nor a hash can be sent".into()),
        })
    }

    /// The same as a text.
    pub(super) fn into_text(self) -> Result<String> {
        Ok(String::from_utf8(self.into_bytes()?)?)
    }

    /// What an answer would hold.
    pub(super) fn into_tree(self) -> Result<Tree> {
        Ok(match self {
            Self::Bytes(bytes) => Tree::Text(String::from_utf8(bytes)?),
            Self::Tree(tree) => tree,
        })
    }

    /// A parameter in the type that the binary protocol gives it.
    pub(super) fn into_parameter(self) -> Result<pileus_wire::Value> {
        Ok(match self {
            Self::Tree(Tree::Num(number)) => number.into(),
            Self::Tree(Tree::Bool(flag)) => flag.into(),
            other => pileus_wire::Value::Text(other.into_bytes()?.into()),
        })
    }
}

/// The values that a scenario has kept.
#[derive(Debug, Default)]
pub(super) struct Kept(HashMap<String, Tree>);

impl Kept {
    /// Keeps a value.
    pub(super) fn keep(&mut self, name: String, value: Tree) {
        self.0.insert(name, value);
    }

    fn get(&self, name: &str) -> Result<&Tree> {
        self.0
            .get(name)
            .ok_or_else(|| format!("nothing is kept as `{name}`").into())
    }

    /// Computes a value.
    pub(super) fn compute(&self, value: &Value) -> Result<Item> {
        Ok(match value {
            Value::Number(number) => Item::Tree(Tree::Num(*number)),
            Value::Bool(flag) => Item::Tree(Tree::Bool(*flag)),
            Value::Text { pieces, times } => {
                let mut bytes = Vec::new();
                for piece in pieces {
                    match piece {
                        Piece::Bytes(piece) => bytes.extend_from_slice(piece),
                        Piece::Variable(name) => {
                            bytes.extend(Item::Tree(self.get(name)?.clone()).into_bytes()?)
                        }
                    }
                }
                Item::Bytes(bytes.repeat(*times))
            }
            Value::Variable(name) => Item::Tree(self.get(name)?.clone()),
            Value::List(items) => {
                let items = items.iter().map(|item| self.compute(item)?.into_tree());
                Item::Tree(Tree::List(items.collect::<Result<_>>()?))
            }
            Value::Random { len, seed } => Item::Bytes(content(*len, *seed)),
            Value::Part { whole, first, last } => {
                let whole = self.compute(whole)?.into_bytes()?;
                let part = whole
                    .get(*first..=*last)
                    .ok_or("the part lies outside of the content")?;
                Item::Bytes(part.to_vec())
            }
            Value::Apply(function, arguments) => {
                let arguments = arguments
                    .iter()
                    .map(|argument| self.compute(argument)?.into_bytes());
                apply(*function, &arguments.collect::<Result<Vec<_>>>()?)?
            }
        })
    }
}

fn apply(function: Function, arguments: &[Vec<u8>]) -> Result<Item> {
    let hex = |bytes: &[u8]| Item::Bytes(hex::encode(bytes).into_bytes());
    Ok(match (function, arguments) {
        (Function::Sha1, [content]) => hex(&Sha1::digest(content)),
        (Function::Sha256, [content]) => hex(&Sha256::digest(content)),
        (Function::Md5, [content]) => hex(&Md5::digest(content)),
        (Function::Hash, [content]) => {
            let mut first = [0; 8];
            first.copy_from_slice(&Sha256::digest(content)[..8]);
            // 0 would mean "none" to clients.
            Item::Tree(Tree::Num(u64::from_le_bytes(first).max(1)))
        }
        (Function::Digest, [username, password, digest]) => {
            let username = hex::encode(Sha1::digest(username.to_ascii_lowercase()));
            let proof = [password.as_slice(), username.as_bytes(), digest.as_slice()].concat();
            hex(&Sha1::digest(proof))
        }
        (Function::Totp, [secret, ahead_s]) => {
            let secret = BASE32_NOPAD.decode(secret)?;
            let ahead_s: u64 = std::str::from_utf8(ahead_s)?.parse()?;
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
            Item::Bytes(totp(&secret, now.as_secs() + ahead_s)?.into_bytes())
        }
        _ => return Err("wrong number of arguments".into()),
    })
}

/// What an authenticator shows at a time, as RFC 6238 has it.
fn totp(secret: &[u8], unix_seconds: u64) -> Result<String> {
    let mac = <Hmac<Sha1> as KeyInit>::new_from_slice(secret)?
        .chain_update((unix_seconds / 30).to_be_bytes())
        .finalize()
        .into_bytes();
    let at = usize::from(mac[19] & 0x0f);
    let number = u32::from_be_bytes([mac[at] & 0x7f, mac[at + 1], mac[at + 2], mac[at + 3]]);
    Ok(format!("{:06}", number % 1_000_000))
}

/// Finds a field; `None` if there is none.
pub(super) fn find(tree: &Tree, path: &Path) -> Option<Tree> {
    follow(tree, &path.0)
}

fn follow(tree: &Tree, path: &[Segment]) -> Option<Tree> {
    let Some((first, rest)) = path.split_first() else {
        return Some(tree.clone());
    };
    match (first, tree) {
        (Segment::Key(wanted), Tree::Hash(fields)) => {
            let (_, value) = fields.iter().find(|(key, _)| key == wanted)?;
            follow(value, rest)
        }
        (Segment::Index(index), Tree::List(items)) => {
            let index = match usize::try_from(*index) {
                Ok(index) => index,
                Err(_) => items
                    .len()
                    .checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
            };
            follow(items.get(index)?, rest)
        }
        (Segment::Each, Tree::List(items)) => Some(Tree::List(
            items.iter().filter_map(|item| follow(item, rest)).collect(),
        )),
        (Segment::Where(key, value), Tree::List(items)) => {
            let item = items.iter().find(|item| match field(item, key) {
                Some(Tree::Text(text)) => text == *value,
                Some(Tree::Num(number)) => number.to_string() == *value,
                Some(Tree::Bool(flag)) => flag.to_string() == *value,
                _ => false,
            })?;
            follow(item, rest)
        }
        _ => None,
    }
}

/// A field by names joined by dots.
fn field(tree: &Tree, path: &str) -> Option<Tree> {
    let keys = path
        .split('.')
        .map(|key| Segment::Key(key.to_owned()))
        .collect::<Vec<_>>();
    follow(tree, &keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text {
            pieces: vec![Piece::Bytes(text.as_bytes().to_vec())],
            times: 1,
        }
    }

    #[test]
    fn the_digest_proof_is_the_documented_one() {
        let arguments = vec![
            text("User@Example.com"),
            text("Secret1"),
            text("YGtAxbUpI85Zvs7lC7Z62rBwv907TBXhV2L867Hkh"),
        ];
        let proof = Kept::default().compute(&Value::Apply(Function::Digest, arguments));
        assert_eq!(
            proof.unwrap(),
            Item::Bytes(b"eeba5a43d8d3212f05e42cfa938200c8fdab6156".to_vec())
        );
    }

    #[test]
    fn fields_are_found_by_index_by_content_and_in_all_items() {
        let entry = |name: &str, id| {
            Tree::Hash(vec![
                ("name".into(), Tree::Text(name.into())),
                ("id".into(), Tree::Num(id)),
            ])
        };
        let tree = Tree::Hash(vec![(
            "list".into(),
            Tree::List(vec![entry("a", 1), entry("b", 2)]),
        )]);
        let list = || Segment::Key("list".into());
        let find = |path: Vec<Segment>| follow(&tree, &path);
        let id = || Segment::Key("id".into());
        assert_eq!(
            find(vec![list(), Segment::Index(-1), id()]),
            Some(Tree::Num(2))
        );
        assert_eq!(
            find(vec![
                list(),
                Segment::Where("name".into(), "a".into()),
                id()
            ]),
            Some(Tree::Num(1))
        );
        assert_eq!(
            find(vec![list(), Segment::Each, id()]),
            Some(Tree::List(vec![Tree::Num(1), Tree::Num(2)]))
        );
        assert_eq!(find(vec![list(), Segment::Index(2)]), None);
    }
}
