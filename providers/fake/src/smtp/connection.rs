//! One connection from greeting to end: reads lines, lets faults strike, sends answers. Only this file waits.
//!
//! Rule: commands are answered in the order in which they came, each wholly before the next is looked at.

use std::collections::BTreeMap;
use std::io;

use tokio::io::{AsyncRead, AsyncWrite};

use super::command;
use super::content::Content;
use super::faults::{SmtpAction, SmtpPlan};
use super::server::SmtpServer;
use super::session::{Next, Reply, Session};
use super::wire::{Broken, Line, Wire};
use crate::faults::Then;

/// The longest command line, in octets without its end: RFC 5321, section 4.5.3.1.4, and what the extensions add to MAIL
/// and RCPT.
const COMMAND: usize = 1_024;
/// The same for AUTH (RFC 4954, section 4).
const AUTH: usize = 12_288;
const GARBAGE: &[u8] = b"?!)( no reply of any kind\r\n";

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpOutcome {
    /// The client said QUIT.
    Quit,
    /// The client went without a word.
    ClientGone,
    /// The server ended it: by a fault, by 421, or because the client could not be understood at all.
    ServerClosed,
}

/// Whether the connection goes on.
enum Flow {
    On,
    End(SmtpOutcome),
}

/// What the faults of one command leave of it.
#[derive(Default)]
struct Fate {
    /// In place of the command.
    instead: Option<SmtpAction>,
    /// What becomes of its answer.
    answer: Option<SmtpAction>,
    /// What becomes of the message behind it.
    message: Option<SmtpAction>,
}

struct Connection<S> {
    wire: Wire<S>,
    session: Session,
    plan: SmtpPlan,
    count: usize,
    by_name: BTreeMap<String, usize>,
}

/// Serves one connection until it ends.
///
/// # Errors
/// What the stream reports beyond the client's going.
pub async fn serve<S>(server: &SmtpServer, stream: S, plan: SmtpPlan) -> io::Result<SmtpOutcome>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let session = Session::new(server);
    let mut connection =
        Connection { wire: Wire::new(stream), session, plan, count: 0, by_name: BTreeMap::new() };
    let outcome = match connection.run().await {
        Ok(outcome) => outcome,
        Err(Broken::Eof) => SmtpOutcome::ClientGone,
        Err(Broken::Endless) => {
            connection.session.violated("a line without an end");
            SmtpOutcome::ServerClosed
        }
        Err(Broken::Io(error)) => return Err(error),
    };
    connection.wire.close().await;
    Ok(outcome)
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    async fn run(&mut self) -> Result<SmtpOutcome, Broken> {
        if let Flow::End(outcome) = self.greet().await? {
            return Ok(outcome);
        }
        loop {
            self.session.sent_ahead = self.wire.has_more();
            let line = self.wire.line().await?;
            if let Flow::End(outcome) = self.take(&line).await? {
                return Ok(outcome);
            }
        }
    }

    async fn greet(&mut self) -> Result<Flow, Broken> {
        for action in self.plan.at_greeting() {
            match action {
                SmtpAction::Refuse(code, text) => return self.refuse(code, text).await,
                SmtpAction::Garbage | SmtpAction::GarbleAnswer => {
                    self.wire.send(GARBAGE).await?;
                    return Ok(Flow::On);
                }
                SmtpAction::Silence(then) | SmtpAction::LoseAnswer(then) => {
                    return self.fall_silent(then).await;
                }
                SmtpAction::Delay(pause) => tokio::time::sleep(pause).await,
                _ => {}
            }
        }
        if self.wire.has_more() {
            self.session.violated("octets before the greeting");
        }
        let name = self.session.server.config().name.clone();
        self.wire.send(&Reply::new(220, format!("{name} ESMTP")).octets()).await?;
        Ok(Flow::On)
    }

    /// Takes a line that is no part of a message.
    async fn take(&mut self, line: &Line) -> Result<Flow, Broken> {
        let text = self.readable(line);
        if self.session.is_logging_in() {
            self.check_haste("a login");
            let reply = self.session.respond(&text);
            self.wire.send(&reply.octets()).await?;
            return Ok(Flow::On);
        }
        let name = command::name(&text);
        self.session.server.served(self.session.connection, &name);
        if !self.session.may_be_followed(&name) {
            self.check_haste(&name);
        }
        let fate = self.strike(&name).await;
        if let Some(action) = fate.instead {
            return self.act(action).await;
        }
        let (reply, next) = self.session.execute(&text);
        if let Flow::End(outcome) = self.answer(&reply, fate.answer).await? {
            return Ok(Flow::End(outcome));
        }
        match next {
            Next::Command => Ok(Flow::On),
            Next::Close => Ok(Flow::End(SmtpOutcome::Quit)),
            Next::Message => self.read_message(fate.message).await,
            // There is no TLS here: the server says nothing that a client could take for it.
            Next::Tls => self.fall_silent(Then::Hang).await,
        }
    }

    /// A command line as text; what is wrong with it is kept.
    fn readable(&self, line: &Line) -> String {
        let text = String::from_utf8_lossy(&line.bytes).into_owned();
        let cap = if self.session.is_logging_in() || command::name(&text) == "AUTH" { AUTH } else { COMMAND };
        if line.bare_lf {
            self.session.violated("a command ends with a bare LF");
        }
        if text.chars().any(char::is_control) {
            self.session.violated("a command holds a control character");
        }
        if line.bytes.len() > cap {
            self.session.violated("a command is too long");
        }
        text
    }

    fn check_haste(&self, name: &str) {
        if self.wire.has_more() {
            self.session.violated(&format!("octets behind {name} before its answer"));
        }
    }

    /// Lets the faults of this command strike.
    async fn strike(&mut self, name: &str) -> Fate {
        self.count += 1;
        let same = self.by_name.entry(name.to_owned()).or_default();
        *same += 1;
        let mut fate = Fate::default();
        for action in self.plan.at_command(name, self.count, *same) {
            match action {
                SmtpAction::Delay(pause) => tokio::time::sleep(pause).await,
                SmtpAction::LoseAnswer(_) | SmtpAction::GarbleAnswer | SmtpAction::AnswerTwice => {
                    fate.answer = Some(action);
                }
                SmtpAction::CutMessage(..) | SmtpAction::BreakOff(..) => fate.message = Some(action),
                SmtpAction::Refuse(..) | SmtpAction::Garbage | SmtpAction::Silence(_) => {
                    fate.instead = Some(action);
                    break;
                }
            }
        }
        fate
    }

    /// What happens in place of a command.
    async fn act(&mut self, action: SmtpAction) -> Result<Flow, Broken> {
        match action {
            SmtpAction::Refuse(code, text) => self.refuse(code, text).await,
            SmtpAction::Silence(then) => self.fall_silent(then).await,
            _ => {
                self.wire.send(GARBAGE).await?;
                Ok(Flow::On)
            }
        }
    }

    async fn refuse(&mut self, code: u16, text: &str) -> Result<Flow, Broken> {
        self.wire.send(&Reply::new(code, text).octets()).await?;
        Ok(if code == 421 { Flow::End(SmtpOutcome::ServerClosed) } else { Flow::On })
    }

    async fn fall_silent(&mut self, then: Then) -> Result<Flow, Broken> {
        if then == Then::Hang {
            self.wire.hang().await;
        }
        Ok(Flow::End(SmtpOutcome::ServerClosed))
    }

    async fn answer(&mut self, reply: &Reply, fate: Option<SmtpAction>) -> Result<Flow, Broken> {
        match fate {
            Some(SmtpAction::LoseAnswer(then)) => return self.fall_silent(then).await,
            Some(SmtpAction::GarbleAnswer) => self.wire.send(GARBAGE).await?,
            Some(SmtpAction::AnswerTwice) => {
                self.wire.send(&[reply.octets(), Reply::new(250, "and more").octets()].concat()).await?;
            }
            _ => self.wire.send(&reply.octets()).await?,
        }
        Ok(Flow::On)
    }

    /// Reads a message up to its final dot, and takes it.
    async fn read_message(&mut self, fate: Option<SmtpAction>) -> Result<Flow, Broken> {
        match fate {
            Some(SmtpAction::CutMessage(octets, then)) => {
                self.wire.skip(octets).await?;
                return self.fall_silent(then).await;
            }
            Some(SmtpAction::BreakOff(octets, code, text)) => {
                self.wire.skip(octets).await?;
                self.wire.send(&Reply::new(code, text).octets()).await?;
                return Ok(Flow::End(SmtpOutcome::ServerClosed));
            }
            _ => {}
        }
        let mut content = Content::default();
        while !content.take(&self.wire.line().await?) {}
        self.session.server.served(self.session.connection, "BODY");
        self.check_haste("a message");
        let fate = self.strike("BODY").await;
        if let Some(action) = fate.instead {
            self.session.forget();
            return self.act(action).await;
        }
        let reply = self.session.message(content);
        self.answer(&reply, fate.answer).await
    }
}
