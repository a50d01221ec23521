//! Reading the statements of a scenario file.

use super::cursor::Cursor;
use super::value::{Stops, Value};
use super::{Action, Body, Demands, Expect, Outcome, Request, Script, Span, Step, Template};
use crate::Result;
use crate::connection::Protocol;

/// Reads a scenario file. The error tells the line.
pub fn parse(name: &str, source: String) -> Result<Script> {
    let mut demands = Demands::default();
    let mut steps = Vec::new();
    for span in statements(&source) {
        let line = source[..span.start].matches('\n').count() + 1;
        let mut cursor = Cursor::new(&source, span.clone());
        let read = statement(&mut cursor, &mut demands);
        let action = read.map_err(|error| format!("{name}.scn:{line}: {error}"))?;
        if !cursor.is_done() {
            return Err(format!("{name}.scn:{line}: something follows the statement").into());
        }
        steps.extend(action.map(|action| Step { line, span, action }));
    }
    Ok(Script {
        name: name.to_owned(),
        source,
        demands,
        steps,
    })
}

/// Cuts a text into statements: each begins in the first column and goes on in the lines that begin with a blank.
fn statements(source: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut at = 0;
    for line in source.split_inclusive('\n') {
        let end = at + line.trim_end().len();
        match line.bytes().next() {
            None | Some(b'#' | b'\n' | b'\r') => {}
            Some(b' ' | b'\t') => {
                if end > at
                    && let Some(last) = spans.last_mut()
                {
                    last.end = end;
                }
            }
            Some(_) => spans.push(at..end),
        }
        at += line.len();
    }
    spans
}

/// Reads one statement; `None` for those that only demand something.
fn statement(cursor: &mut Cursor<'_>, demands: &mut Demands) -> Result<Option<Action>> {
    let word = cursor.word()?;
    if cursor.eat(":") {
        let call = cursor.template()?;
        return Ok(Some(Action::Call {
            actor: word.to_owned(),
            call,
            expect: cursor.expect()?,
        }));
    }
    cursor.blanks();
    Ok(Some(match word {
        "server" => {
            demands.own_server = true;
            demands.config.extend(cursor.pairs(Stops::Expression)?);
            return Ok(None);
        }
        "only" => {
            let name = cursor.word()?;
            let protocol = Protocol::ALL
                .into_iter()
                .find(|protocol| protocol.name() == name);
            demands.only = Some(protocol.ok_or("neither `http` nor `binary`")?);
            return Ok(None);
        }
        "user" => {
            let name = cursor.word()?.to_owned();
            let mut parameters = cursor.parameters()?.into_iter();
            let quota = match parameters.next() {
                Some((name, value)) if name == "quota" => Some(value),
                Some(_) => return Err("only `quota` can be said of a user".into()),
                None => None,
            };
            Action::User { name, quota }
        }
        "oauth" => {
            let user = cursor.word()?.to_owned();
            Action::Oauth {
                user,
                name: cursor.as_name()?,
            }
        }
        "app" => {
            let name = cursor.word()?.to_owned();
            let mut arguments = Vec::new();
            while !cursor.is_done() {
                arguments.push(cursor.value(Stops::Parameter)?);
            }
            Action::App { name, arguments }
        }
        "consent" => {
            let user = cursor.word()?.to_owned();
            cursor.blanks();
            let query = cursor.value(Stops::Parameter)?;
            cursor.blanks();
            let denies = cursor.word_is("deny");
            cursor.blanks();
            Action::Consent {
                user,
                query,
                denies,
                name: cursor.as_name()?,
            }
        }
        "connect" => {
            let actor = if cursor.word_is("as") {
                None
            } else {
                Some(cursor.word()?.to_owned())
            };
            cursor.blanks();
            if actor.is_some() {
                cursor.expect_word("as")?;
                cursor.blanks();
            }
            Action::Connect {
                actor,
                name: cursor.word()?.to_owned(),
            }
        }
        "close" => Action::Close(cursor.word()?.to_owned()),
        "at" => {
            demands.own_server = true;
            Action::At(cursor.ahead()?)
        }
        "pileus" => {
            let mut arguments = Vec::new();
            while !cursor.is_done() {
                arguments.push(cursor.value(Stops::Parameter)?);
            }
            Action::Admin(arguments)
        }
        "mail" => {
            let to = cursor.value(Stops::Parameter)?;
            cursor.blanks();
            let expect = if cursor.word_is("waits") {
                None
            } else {
                Some(cursor.expect()?)
            };
            Action::Mail { to, expect }
        }
        "fetch" => {
            let target = cursor.value(Stops::Parameter)?;
            let verb = if cursor.option("method") {
                cursor.word()?.to_owned()
            } else {
                "GET".to_owned()
            };
            let request = cursor.request(verb, target)?;
            Action::Fetch {
                request,
                expect: cursor.expect()?,
            }
        }
        connection => cursor.on_connection(connection.to_owned())?,
    }))
}

impl Cursor<'_> {
    fn on_connection(&mut self, connection: String) -> Result<Action> {
        let verb = self.word()?;
        self.blanks();
        Ok(match verb {
            "send" => {
                let mut calls = vec![self.template()?];
                while self.word_is("then") {
                    calls.push(self.template()?);
                }
                Action::Send { connection, calls }
            }
            "receive" => Action::Receive {
                connection,
                expect: self.expect()?,
            },
            "write" => Action::Write {
                connection,
                bytes: self.value(Stops::Expression)?,
            },
            "waits" => Action::Waits(connection),
            "ends" => Action::End(connection),
            "http" => {
                let verb = self.word()?.to_owned();
                self.blanks();
                let target = self.value(Stops::Parameter)?;
                let request = self.request(verb, target)?;
                Action::Http {
                    connection,
                    request,
                    expect: self.expect()?,
                }
            }
            _ => {
                return Err(
                    format!("neither a statement nor a deed of a connection: `{verb}`").into(),
                );
            }
        })
    }

    fn as_name(&mut self) -> Result<String> {
        self.blanks();
        self.expect_word("as")?;
        self.blanks();
        Ok(self.word()?.to_owned())
    }

    /// Reads `+31d` and the like into seconds.
    fn ahead(&mut self) -> Result<u64> {
        self.expect_byte(b'+')?;
        let number = self.number()?;
        let unit = match self.word()? {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            unit => return Err(format!("unknown unit `{unit}`").into()),
        };
        number
            .checked_mul(unit)
            .ok_or_else(|| "too far ahead".into())
    }

    /// Reads a method with parameters and data.
    fn template(&mut self) -> Result<Template> {
        self.blanks();
        let method = self.word()?.to_owned();
        let params = self.parameters()?;
        let data = if self.option("<") {
            Some(self.value(Stops::Expression)?)
        } else {
            None
        };
        self.blanks();
        Ok(Template {
            method,
            params,
            data,
        })
    }

    /// Reads the parameters of a call.
    fn parameters(&mut self) -> Result<Vec<(String, Value)>> {
        self.pairs(Stops::Parameter)
    }

    /// Reads `name=value` as often as it comes.
    fn pairs(&mut self, stops: Stops) -> Result<Vec<(String, Value)>> {
        let mut parameters = Vec::new();
        loop {
            self.blanks();
            let mark = self.mark();
            let name = self.take_while(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
            });
            if name.is_empty() || !self.eat("=") {
                self.reset(mark);
                return Ok(parameters);
            }
            parameters.push((name.to_owned(), self.value(stops)?));
        }
    }

    /// Takes a word of its own if it comes next, and the blanks behind it.
    fn option(&mut self, word: &str) -> bool {
        self.blanks();
        let mark = self.mark();
        let found = self.eat(word) && self.peek().is_some_and(|byte| byte.is_ascii_whitespace());
        if found {
            self.blanks();
        } else {
            self.reset(mark);
        }
        found
    }

    /// Reads what a request of HTTP has beside verb and target.
    fn request(&mut self, verb: String, target: Value) -> Result<Request> {
        let mut headers = Vec::new();
        let mut body = Body::None;
        loop {
            if self.option("header") {
                headers.push(self.value(Stops::Expression)?);
            } else if self.option("body") {
                body = Body::Whole(self.value(Stops::Expression)?);
            } else if self.option("chunk") {
                let chunk = self.value(Stops::Expression)?;
                match &mut body {
                    Body::Chunked(chunks) => chunks.push(chunk),
                    _ => body = Body::Chunked(vec![chunk]),
                }
            } else if self.option("part") {
                let part_headers = self.value(Stops::Expression)?;
                self.blanks();
                let part = (part_headers, self.value(Stops::Expression)?);
                match &mut body {
                    Body::Parts(parts) => parts.push(part),
                    _ => body = Body::Parts(vec![part]),
                }
            } else {
                return Ok(Request {
                    verb,
                    target,
                    headers,
                    body,
                });
            }
        }
    }

    /// Reads what stands behind the arrow; without an arrow any answer will do.
    fn expect(&mut self) -> Result<Expect> {
        self.blanks();
        if !self.eat("->") {
            return Ok(Expect::default());
        }
        self.blanks();
        if self.word_is("closed") {
            return Ok(Expect {
                outcome: Some(Outcome::Closed),
                ..Expect::default()
            });
        }
        let eventually = self.option("eventually");
        let start = self.mark();
        let outcome = match self.peek() {
            Some(b'0'..=b'9') => Some(Outcome::Code(self.number()?, start..self.mark())),
            _ => Some(Outcome::Code(0, start..start)),
        };
        let data = if self.option("data") {
            Some(self.value(Stops::Expression)?)
        } else {
            None
        };
        let line_ended = self.blanks();
        if data.is_some() && !line_ended {
            self.eat_byte(b',');
        }
        Ok(Expect {
            eventually,
            outcome,
            data,
            clauses: self.clauses()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Clause, Piece};

    fn text(text: &str) -> Value {
        Value::Text {
            pieces: vec![Piece::Bytes(text.as_bytes().to_vec())],
            times: 1,
        }
    }

    #[test]
    fn a_call_with_everything() {
        let source = "# comment\nuser ann\n\nann: uploadfile folderid=0 filename=\"a b\" x=a,b < random 9 seed 1 -> 0\n    \
                      metadata[0].size = 9, keep fileids[0] as file\n    # comment\n    no error # comment\n";
        let script = parse("f/x", source.to_owned()).unwrap();
        assert_eq!(script.steps.len(), 2);
        let Step {
            line: 4,
            action:
                Action::Call {
                    actor,
                    call,
                    expect,
                },
            ..
        } = &script.steps[1]
        else {
            panic!("{:?}", script.steps[1]);
        };
        assert_eq!(
            (actor.as_str(), call.method.as_str()),
            ("ann", "uploadfile")
        );
        let params = [
            ("folderid", Value::Number(0)),
            ("filename", text("a b")),
            ("x", text("a,b")),
        ];
        assert!(
            call.params
                .iter()
                .map(|(name, value)| (name.as_str(), value.clone()))
                .eq(params)
        );
        assert_eq!(call.data, Some(Value::Random { len: 9, seed: 1 }));
        assert!(matches!(expect.outcome, Some(Outcome::Code(0, _))));
        assert!(matches!(
            expect.clauses[..],
            [Clause::Compare { .. }, Clause::Keep(..), Clause::Absent(_)]
        ));
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (source, told) in [
            (
                "user ann\nann: nop -> 0 a = 1 b = 2",
                "f/x.scn:2: a comma or a new line",
            ),
            ("ann: nop name=\"open", "f/x.scn:1: a text without its end"),
            ("\nnobody: nop -> 0 a is hexx", "f/x.scn:2: unknown shape"),
            ("at 5d", "f/x.scn:1: `+` is missing"),
            ("c1 jumps", "f/x.scn:1: neither a statement"),
            ("close c1 c2", "f/x.scn:1: something follows"),
        ] {
            let error = parse("f/x", source.to_owned()).unwrap_err().to_string();
            assert!(error.starts_with(told), "{error}");
        }
    }
}
