//! One connection from greeting to end: reads commands, asks grammar and law, lets faults strike, sends answers.
//!
//! Rules: commands are answered in the order in which they came, each wholly before the next is read; whatever breaks
//! a rule is answered with BAD and kept. Only this file waits.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::command::Command;
use super::law;
use super::parse::parse;
use super::raw::RawCommand;
use super::run::{FetchJob, Mechanism};
use super::session::{Gone, Next, Session, Tagged, Verdict};
use super::sprinkle;
use super::stream::{Broken, Wire};
use crate::core::Server;
use crate::faults::{Action, Bend, FaultPlan, Then};

/// A client that idles longer is logged out (RFC 2177 asks it to renew before 29 minutes).
const IDLE_CAP: Duration = Duration::from_secs(30 * 60);
/// A FETCH is sent in pieces of about this many octets.
const PIECE: usize = 64 * 1024;

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The client logged out.
    LoggedOut,
    /// The client went without a word.
    ClientGone,
    /// The server ended it: by a fault, by BYE, or because the client could not be understood at all.
    ServerClosed,
}

/// Whether the connection goes on.
enum Flow {
    On,
    End(Outcome),
}

/// What the faults of one command leave of it.
enum Fate {
    /// It is done.
    Done,
    /// It is done, and its answer is lost.
    Lost(Then),
    /// Something else happened in its place.
    Instead(Flow),
}

struct Connection<S> {
    wire: Wire<S>,
    session: Session,
    plan: FaultPlan,
    changes: watch::Receiver<u64>,
    count: usize,
    by_name: BTreeMap<String, usize>,
    deaf: bool,
}

/// Serves one connection until it ends.
///
/// # Errors
/// What the stream reports beyond the client's going.
pub async fn serve<S>(server: &Server, stream: S, plan: FaultPlan) -> io::Result<Outcome>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut connection = Connection {
        wire: Wire::new(stream, &plan),
        session: Session::new(server),
        changes: server.subscribe(),
        plan,
        count: 0,
        by_name: BTreeMap::new(),
        deaf: false,
    };
    let outcome = match connection.run().await {
        Ok(outcome) => outcome,
        Err(Broken::Eof) => Outcome::ClientGone,
        Err(Broken::Cut(then)) => connection.fall_silent(then).await,
        Err(Broken::Unreadable(what)) => {
            connection.session.violated(what);
            Outcome::ServerClosed
        }
        Err(Broken::Io(error)) => return Err(error),
    };
    connection.wire.close().await;
    Ok(outcome)
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    async fn run(&mut self) -> Result<Outcome, Broken> {
        if let Flow::End(outcome) = self.greet().await? {
            return Ok(outcome);
        }
        loop {
            self.tell_until_a_command().await?;
            let raw = RawCommand::read(&mut self.wire, self.session.offered()).await?;
            if let Flow::End(outcome) = self.answer(raw).await? {
                return Ok(outcome);
            }
        }
    }

    /// What NOTIFY asked for is told whenever it happens.
    async fn tell_until_a_command(&mut self) -> Result<(), Broken> {
        while self.session.notified.is_some() && !self.wire.has_more() {
            self.session.tell_notified();
            self.send_out().await?;
            tokio::select! {
                biased;
                more = self.wire.more() => more?,
                changed = self.changes.changed() => if changed.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn fall_silent(&mut self, then: Then) -> Outcome {
        if then == Then::Hang {
            self.wire.hang().await;
        }
        Outcome::ServerClosed
    }

    async fn greet(&mut self) -> Result<Flow, Broken> {
        let mut word = "OK";
        for action in self.plan.at_greeting() {
            match action {
                Action::PreAuth => {
                    word = "PREAUTH";
                    self.session.user = self.session.server.lock().users.keys().next().cloned();
                }
                Action::No(text) | Action::Bye(text) => return self.bye(text).await,
                Action::GarbageLine => self.wire.send(sprinkle::GARBAGE).await?,
                Action::LongLine(octets) => self.wire.send(&sprinkle::long_line(octets)).await?,
                Action::Meanwhile(act) => act(&self.session.server),
                Action::Silence(then) => return Ok(Flow::End(self.fall_silent(then).await)),
                Action::Bad | Action::HalfLiteral(_) | Action::LoseAnswer(_) => {
                    return self.bye("not today").await;
                }
                Action::ExtraAfterStartTls | Action::DeafIdle | Action::Bend(_) => {}
            }
        }
        let greeting = format!("* {word} {}ready\r\n", self.session.capability_code());
        self.wire.send(greeting.as_bytes()).await?;
        Ok(Flow::On)
    }

    async fn bye(&mut self, text: &str) -> Result<Flow, Broken> {
        self.wire.send(format!("* BYE {text}\r\n").as_bytes()).await?;
        Ok(Flow::End(Outcome::ServerClosed))
    }

    /// Answers one command.
    async fn answer(&mut self, raw: RawCommand) -> Result<Flow, Broken> {
        let name = raw.name();
        self.session.server.served(self.session.connection, &name);
        let Some(tag) = raw.tag() else {
            self.session.violated(&format!("a command without a tag: {}", raw.excerpt()));
            self.wire.send(b"* BAD a tag is missing\r\n").await?;
            return Ok(Flow::On);
        };
        if works_on_messages(&name) && self.session.is_gone() {
            // Its numbers mean other messages now, or none: nothing may be done by them (RFC 3501 section 2.3.1.1).
            return self.bye("the selected mailbox is not what it was").await;
        }
        let command = self.lawful(&tag, &raw);
        match self.strike(&tag, &name).await? {
            Fate::Instead(flow) => Ok(flow),
            Fate::Done => self.carry_out(&tag, &name, command).await,
            Fate::Lost(then) => {
                if let Ok(command) = command {
                    self.do_unheard(&tag, command);
                }
                Ok(Flow::End(self.fall_silent(then).await))
            }
        }
    }

    /// The command, if grammar and law allow it; a breach is kept.
    fn lawful(&mut self, tag: &str, raw: &RawCommand) -> Result<Command, String> {
        let mut breaches = raw.breaches.clone();
        if !self.session.tags.insert(tag.to_owned()) {
            breaches.push("a tag is used a second time".to_owned());
        }
        let command = match breaches.first() {
            Some(breach) => Err(breach.clone()),
            None => {
                parse(raw, self.session.enabled.utf8).map_err(|malformed| malformed.0).and_then(|command| {
                    law::check(&command, &self.session.facts())?;
                    Ok(command)
                })
            }
        };
        match &command {
            Ok(command) => {
                if let Some(reckless) = law::recklessness(command, &self.session.facts()) {
                    self.session.violated(reckless);
                }
            }
            Err(breach) => self.session.violated(&format!("{breach}: {}", raw.excerpt())),
        }
        command
    }

    /// Lets the faults of this command strike.
    async fn strike(&mut self, tag: &str, name: &str) -> Result<Fate, Broken> {
        self.count += 1;
        let same = self.by_name.entry(name.to_owned()).or_default();
        *same += 1;
        let actions = self.plan.at_command(name, self.count, *same);
        self.session.bends.clear();
        self.deaf = false;
        let mut fate = Fate::Done;
        for action in actions {
            match action {
                Action::No(text) => return self.instead(&Tagged::no(text), tag).await,
                Action::Bad => return self.instead(&Tagged::bad("not understood"), tag).await,
                Action::Bye(text) => return Ok(Fate::Instead(self.bye(text).await?)),
                Action::GarbageLine => self.wire.send(sprinkle::GARBAGE).await?,
                Action::LongLine(octets) => self.wire.send(&sprinkle::long_line(octets)).await?,
                Action::HalfLiteral(then) => {
                    self.wire.send(&sprinkle::half_literal(&self.session)).await?;
                    return Ok(Fate::Instead(Flow::End(self.fall_silent(then).await)));
                }
                Action::Silence(then) => return Ok(Fate::Instead(Flow::End(self.fall_silent(then).await))),
                Action::LoseAnswer(then) => fate = Fate::Lost(then),
                Action::ExtraAfterStartTls => return self.slip_in(tag).await,
                Action::DeafIdle => self.deaf = true,
                Action::Meanwhile(act) => act(&self.session.server),
                Action::Bend(bend) => self.session.bends.push(bend),
                Action::PreAuth => {}
            }
        }
        Ok(fate)
    }

    async fn instead(&mut self, tagged: &Tagged, tag: &str) -> Result<Fate, Broken> {
        self.wire.send(tagged.line(tag).as_bytes()).await?;
        Ok(Fate::Instead(Flow::On))
    }

    async fn slip_in(&mut self, tag: &str) -> Result<Fate, Broken> {
        let slipped = format!("{tag} OK begin TLS\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n");
        self.wire.send(slipped.as_bytes()).await?;
        self.wire.hang().await;
        Ok(Fate::Instead(Flow::End(Outcome::ClientGone)))
    }

    /// Does a command whose answer nobody will hear.
    fn do_unheard(&mut self, tag: &str, command: Command) {
        self.session.execute(tag, command);
        self.session.out.clear();
    }

    async fn carry_out(
        &mut self,
        tag: &str,
        name: &str,
        command: Result<Command, String>,
    ) -> Result<Flow, Broken> {
        let command = match command {
            Ok(command) => command,
            Err(breach) => {
                // What was asked for and is turned off is an answer, not a mistake in the grammar.
                let login_off = name == "LOGIN" && breach == "LOGIN is disabled";
                let tagged =
                    if login_off { Tagged::no("[PRIVACYREQUIRED] not here") } else { Tagged::bad(breach) };
                self.wire.send(tagged.line(tag).as_bytes()).await?;
                return Ok(Flow::On);
            }
        };
        if self.session.bent(Bend::Sprinkle) {
            sprinkle::before(&mut self.session);
        }
        match self.session.execute(tag, command) {
            Next::Done(tagged) => self.finish(tag, name, &tagged).await,
            Next::Fetch(job) => self.write_fetch(tag, name, &job).await,
            Next::Idle => self.idle(tag).await,
            Next::Authenticate(mechanism) => self.authenticate(tag, mechanism).await,
            Next::RefuseToken(mechanism) => self.refuse_token(tag, mechanism).await,
            Next::Compress => self.compress(tag).await,
            Next::StartTls => self.start_tls(tag).await,
            Next::Logout => {
                self.session.untagged("BYE until next time");
                self.finish(tag, name, &Tagged::ok("done")).await?;
                Ok(Flow::End(Outcome::LoggedOut))
            }
        }
    }

    /// Tells what is new, then the tagged answer.
    async fn finish(&mut self, tag: &str, name: &str, tagged: &Tagged) -> Result<Flow, Broken> {
        // RFC 3501 section 7.4.1
        let expunges = !matches!(name, "FETCH" | "STORE" | "SEARCH");
        // A SELECT has just told all there is, and a lie would be undone by the truth behind it.
        let news = !matches!(name, "SELECT" | "EXAMINE") || tagged.verdict != Verdict::Ok;
        if news && self.session.sync(expunges) == Err(Gone) {
            self.session.out.clear();
            return self.bye("the selected mailbox is not what it was").await;
        }
        if self.session.bent(Bend::Sprinkle) {
            sprinkle::after(&mut self.session);
        }
        self.session.tell_notified();
        self.session.out.extend_from_slice(tagged.line(tag).as_bytes());
        self.send_out().await?;
        Ok(Flow::On)
    }

    async fn send_out(&mut self) -> Result<(), Broken> {
        let out = std::mem::take(&mut self.session.out);
        if out.is_empty() { Ok(()) } else { self.wire.send(&out).await }
    }

    async fn write_fetch(&mut self, tag: &str, name: &str, job: &FetchJob) -> Result<Flow, Broken> {
        for message in &job.messages {
            self.session.fetch_one(job, message);
            if self.session.out.len() >= PIECE {
                self.send_out().await?;
            }
        }
        self.finish(tag, name, &job.verdict()).await
    }

    /// IDLE (RFC 2177): tells what happens until the client says DONE.
    async fn idle(&mut self, tag: &str) -> Result<Flow, Broken> {
        if self.wire.has_more() {
            self.session.violated("octets behind IDLE before the server's go-ahead");
        }
        let cap = tokio::time::sleep(IDLE_CAP);
        tokio::pin!(cap);
        self.changes.mark_unchanged();
        self.session.out.extend_from_slice(b"+ idling\r\n");
        loop {
            if !self.deaf && self.session.sync(true) == Err(Gone) {
                return self.bye("the selected mailbox is not what it was").await;
            }
            self.send_out().await?;
            tokio::select! {
                biased;
                line = self.wire.line() => return self.idle_done(tag, &line?.bytes).await,
                changed = self.changes.changed() => {
                    if changed.is_err() {
                        return Ok(Flow::End(Outcome::ServerClosed));
                    }
                }
                () = &mut cap => {
                    self.session.violated("IDLE was not renewed for 30 minutes");
                    return self.bye("idled too long").await;
                }
            }
        }
    }

    async fn idle_done(&mut self, tag: &str, line: &[u8]) -> Result<Flow, Broken> {
        if line.eq_ignore_ascii_case(b"DONE") {
            return self.finish(tag, if self.deaf { "SELECT" } else { "IDLE" }, &Tagged::ok("done")).await;
        }
        self.session.violated("IDLE was not ended with DONE");
        self.finish(tag, "IDLE", &Tagged::bad("expected DONE")).await
    }

    async fn authenticate(&mut self, tag: &str, mechanism: Mechanism) -> Result<Flow, Broken> {
        if self.wire.has_more() {
            self.session.violated("octets behind AUTHENTICATE before the server's go-ahead");
        }
        self.wire.send(b"+ \r\n").await?;
        let line = self.wire.line().await?;
        let next = match line.bytes.as_slice() {
            b"*" => Tagged::bad("given up").into(),
            response => self.session.authenticate(mechanism, &String::from_utf8_lossy(response)),
        };
        match next {
            Next::Done(tagged) => self.finish(tag, "AUTHENTICATE", &tagged).await,
            _ => self.refuse_token(tag, mechanism).await,
        }
    }

    async fn refuse_token(&mut self, tag: &str, mechanism: Mechanism) -> Result<Flow, Broken> {
        self.wire.send(format!("+ {}\r\n", mechanism.challenge()).as_bytes()).await?;
        let line = self.wire.line().await?;
        let tagged = self.session.refuse_token(mechanism, &line.bytes);
        self.finish(tag, "AUTHENTICATE", &tagged).await
    }

    /// COMPRESS (RFC 4978): the OK is the last that is not compressed.
    async fn compress(&mut self, tag: &str) -> Result<Flow, Broken> {
        if self.wire.has_more() {
            self.session.violated("octets behind COMPRESS before the server's answer");
        }
        self.finish(tag, "COMPRESS", &Tagged::ok("compressing")).await?;
        self.wire.compress()?;
        self.session.compressed = true;
        Ok(Flow::On)
    }

    /// There is no TLS here: after the OK the server says nothing that a client could take for it.
    async fn start_tls(&mut self, tag: &str) -> Result<Flow, Broken> {
        self.finish(tag, "STARTTLS", &Tagged::ok("begin TLS")).await?;
        self.wire.hang().await;
        Ok(Flow::End(Outcome::ClientGone))
    }
}

/// Whether a command names messages of the selected mailbox, or means them.
fn works_on_messages(name: &str) -> bool {
    let name = name.strip_prefix("UID ").unwrap_or(name);
    matches!(name, "FETCH" | "STORE" | "SEARCH" | "COPY" | "MOVE" | "EXPUNGE" | "CLOSE")
}
