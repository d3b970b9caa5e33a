//! One message through one session: MAIL, RCPT, DATA (RFC 5321, section 3.3), with what the server offers.
//!
//! Rule: whoever fails here knows whether the server may have the message. Until the final dot is handed over it has not,
//! whatever came before: DATA without its end is nothing (RFC 5321, section 4.1.1.4). From then on only the server's answer
//! tells, and without one nobody knows.
//!
//! DATA never goes out together with RCPT, though RFC 2920 allows it: a server that refused every recipient and takes DATA all
//! the same would have to be given an empty message.

use std::time::Duration;

use postrider_model::{ErrorClass, Fault};
use postrider_net::redact;

use crate::{
    SendFault, Sent,
    envelope::Paths,
    fault::{During, broken, refused},
    message::{self, Needs},
    reply::{Reply, WireError},
    session::Session,
};

/// Commands that are sent before their answers are read. Their answers have to fit into what a connection holds, or both sides
/// wait for each other (RFC 2920, section 3.1).
const WINDOW: usize = 50;
/// How long a server that broke off in the middle of a message is listened to.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What is to be sent, all of it checked.
pub(crate) struct Outgoing<'m> {
    pub(crate) paths: Paths,
    pub(crate) needs: Needs,
    pub(crate) message: &'m [u8],
}

/// Sends it. The caller says good-bye afterwards.
pub(crate) async fn run(session: &mut Session<'_>, outgoing: &Outgoing<'_>) -> Result<Sent, SendFault> {
    check_offers(session, outgoing).map_err(SendFault::not_done)?;
    let replies = announce(session, outgoing).await.map_err(SendFault::not_done)?;
    let (accepted, refused) = judge(session, &outgoing.paths, &replies);
    if accepted.is_empty() {
        return Err(nobody_left(session, refused));
    }
    begin(session).await.map_err(SendFault::not_done)?;
    transfer(session, outgoing.message).await.map_err(SendFault::not_done)?;
    let reply = finish(session).await?;
    tracing::debug!(server = %session.settings.endpoint, accepted = accepted.len(), refused = refused.len(), reply, "sent");
    Ok(Sent { accepted, refused, reply })
}

/// What the message needs and the server does not offer.
fn check_offers(session: &Session<'_>, outgoing: &Outgoing<'_>) -> Result<(), Fault> {
    let Outgoing { paths, needs, .. } = outgoing;
    let lacking = |cause: String, hint: &str| {
        Err(Fault::new(ErrorClass::Permanent, session.action("send the message", "by"), cause).hint(hint))
    };
    if let Some(limit) = session.offers.size_limit()
        && needs.octets > limit
    {
        let cause = format!("the message has {} octets, and the server takes {limit} at most", needs.octets);
        return lacking(cause, "make the message smaller, or share its attachments in another way");
    }
    if needs.eight_bit && !session.offers.has("8BITMIME") {
        let cause =
            "the message holds octets beyond ASCII, and the server does not offer 8BITMIME".to_owned();
        return lacking(cause, "compose it anew, with quoted-printable or base64 as its transfer encoding");
    }
    if (needs.utf8 || paths.needs_utf8) && !session.offers.has("SMTPUTF8") {
        let what = if paths.needs_utf8 { "an address of the message" } else { "the message's header" };
        let cause = format!("{what} is not ASCII, and the server does not offer SMTPUTF8");
        return lacking(cause, "use an address of ASCII letters, and encode the header (RFC 2047)");
    }
    Ok(())
}

/// MAIL and all RCPT; the answers to the latter, in order. Where the server takes them in one go (RFC 2920), it gets them so.
async fn announce(session: &mut Session<'_>, outgoing: &Outgoing<'_>) -> Result<Vec<Reply>, Fault> {
    let action = session.action("send the message", "by");
    let window = if session.offers.has("PIPELINING") { WINDOW } else { 1 };
    let patience = session.settings.patience.command;
    let commands = commands(session, outgoing);
    let mut replies = Vec::with_capacity(commands.len());
    for together in commands.chunks(window) {
        let sent = session.send(together.concat().as_bytes(), patience).await;
        sent.map_err(|why| broken(action.clone(), &why))?;
        for _ in together {
            let reply = session.reply(patience).await.map_err(|why| broken(action.clone(), &why))?;
            // 421: the server hangs up, and answers to the rest will not come.
            if reply.code == 421 {
                return Err(refused(action, &reply, During::Other, &[]));
            }
            replies.push(reply);
        }
        if session.wire.has_unread() {
            session.give_up();
            return Err(broken(action, &WireError::Garbage("more came than was asked for")));
        }
        if let Some(mail) = replies.first().filter(|mail| !mail.is_done()) {
            return Err(refused(action, mail, During::Sender, &[]));
        }
    }
    Ok(replies.into_iter().skip(1).collect())
}

fn commands(session: &Session<'_>, outgoing: &Outgoing<'_>) -> Vec<String> {
    let Outgoing { paths, needs, .. } = outgoing;
    let has = |keyword: &str| session.offers.has(keyword);
    let notices = session.settings.failure_notices && has("DSN");
    let mut mail = format!("MAIL FROM:<{}>", paths.from);
    if has("SIZE") {
        mail.push_str(&format!(" SIZE={}", needs.octets));
    }
    if needs.eight_bit {
        mail.push_str(" BODY=8BITMIME");
    }
    if needs.utf8 || paths.needs_utf8 {
        mail.push_str(" SMTPUTF8");
    }
    if notices {
        mail.push_str(" RET=HDRS");
    }
    let notify = if notices { " NOTIFY=FAILURE" } else { "" };
    let rcpt = |wire: &str| format!("RCPT TO:<{wire}>{notify}\r\n");
    let rcpts = paths.to.iter().map(|recipient| rcpt(&recipient.wire));
    std::iter::once(format!("{mail}\r\n")).chain(rcpts).collect()
}

/// Who gets it and who does not.
fn judge(session: &Session<'_>, paths: &Paths, replies: &[Reply]) -> (Vec<String>, Vec<(String, Fault)>) {
    let (mut accepted, mut refused_ones) = (Vec::new(), Vec::new());
    for (recipient, reply) in paths.to.iter().zip(replies) {
        if reply.is_done() {
            accepted.push(recipient.given.clone());
            continue;
        }
        let action = format!("send to \"{}\"", redact::printable(recipient.given.as_bytes()));
        let action = session.action(&action, "by");
        refused_ones.push((recipient.given.clone(), refused(action, reply, During::Recipient, &[])));
    }
    (accepted, refused_ones)
}

/// All recipients were refused: what may pass for one of them is worth another attempt.
fn nobody_left(session: &Session<'_>, refused: Vec<(String, Fault)>) -> SendFault {
    let rank = |class: ErrorClass| match class {
        ErrorClass::Throttled => 0,
        ErrorClass::Transient => 1,
        _ => 2,
    };
    let worth_most = refused.iter().map(|(_, fault)| fault).min_by_key(|fault| rank(fault.class));
    let fault = match (refused.as_slice(), worth_most) {
        ([(_, only)], _) => only.clone(),
        (all, Some(first)) => {
            let cause = format!("all {} recipients were refused, with: {}", all.len(), first.cause);
            Fault { action: session.action("send the message", "by"), cause, ..first.clone() }
        }
        (_, None) => Fault::new(
            ErrorClass::Permanent,
            session.action("send the message", "by"),
            "there is no recipient",
        ),
    };
    SendFault { refused, ..SendFault::not_done(fault) }
}

async fn begin(session: &mut Session<'_>) -> Result<(), Fault> {
    let action = session.action("send the message", "by");
    let reply = session.exchange("DATA", session.settings.patience.data).await;
    let reply = reply.map_err(|why| broken(action.clone(), &why))?;
    if reply.wants_more() {
        return Ok(());
    }
    // A server that says 250 here has lost its way: nobody knows what it takes the next line for.
    if reply.is_done() {
        session.give_up();
    }
    Err(refused(action, &reply, During::Content, &[]))
}

/// All of the message but the final dot, handed over to the system.
async fn transfer(session: &mut Session<'_>, message: &[u8]) -> Result<(), Fault> {
    let patience = session.settings.patience.block;
    for block in message::blocks(message) {
        if let Err(why) = session.send(&block, patience).await {
            return Err(broken_off(session, &why).await);
        }
    }
    Ok(())
}

/// The server took no more, and may have said why before it went.
async fn broken_off(session: &mut Session<'_>, why: &WireError) -> Fault {
    session.give_up();
    let action = session.action("send the message", "by");
    match session.reply(LAST_WORDS.min(session.settings.patience.block)).await {
        Ok(reply) if reply.is_refusal() => refused(action, &reply, During::Content, &[]),
        _ => broken(action, why),
    }
}

/// The final dot and its answer.
async fn finish(session: &mut Session<'_>) -> Result<String, SendFault> {
    let action = session.action("send the message", "by");
    let patience = session.settings.patience;
    let unknown = |action: String, why: &WireError| {
        SendFault::unknown(
            broken(action, why)
                .hint("the message may have gone out: look whether it did before it is sent again"),
        )
    };
    if let Err(why) = session.send(b".\r\n", patience.block).await {
        return Err(unknown(action, &why));
    }
    match session.reply(patience.end).await {
        Err(why) => Err(unknown(action, &why)),
        Ok(reply) if reply.is_done() => {
            Ok(redact::printable(format!("{} {}", reply.code, reply.text()).as_bytes()))
        }
        Ok(reply) if reply.is_refusal() => {
            Err(SendFault::not_done(refused(action, &reply, During::Content, &[])))
        }
        Ok(_) => {
            session.give_up();
            Err(unknown(action, &WireError::Garbage("an answer to something else")))
        }
    }
}
