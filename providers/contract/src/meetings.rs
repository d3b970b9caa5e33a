//! The cases for activities of several people: who may change what, what reaches whom, and who is mailed (I9).

use postrider_model::{Activity, CollectionKey, ItemKey, Own, Participant, Person, Response, Status};
use postrider_remote::{
    ActivityChange, CalendarOp, CalendarRemote, ItemApplied, Reach, RemoteActivity, Standing,
};

use crate::{
    calendars::{appointment, at, create, held, item, now, update},
    contacts::mark,
    items::{CalendarHarness, Deed, Ill, Mailed, MailedWhat, Who},
};

pub(crate) async fn suite(harness: &mut dyn CalendarHarness) {
    who_is_invited_is_mailed_once_and_gets_a_copy(harness).await;
    without_being_asked_nobody_is_mailed(harness).await;
    a_lost_answer_mails_nobody_twice(harness).await;
    who_was_invited_changes_nothing_of_it(harness).await;
    an_answer_reaches_the_organizer(harness).await;
    what_is_called_off_is_so_for_all(harness).await;
    who_deletes_a_copy_deletes_no_more(harness).await;
    who_is_asked_no_more_loses_the_copy(harness).await;
    hidden_guests_are_told_to_be_hidden(harness).await;
}

fn guest(email: &str) -> Participant {
    Participant { person: Person { email: email.to_owned(), name: None }, ..Participant::default() }
}

fn meeting(name: &str, guests: &[String]) -> Activity {
    let mut meeting = appointment(name, 12);
    meeting.people.participants = guests.iter().map(|email| guest(email)).collect();
    meeting
}

fn mail(to: &str, what: MailedWhat) -> Mailed {
    Mailed { to: to.to_owned(), what }
}

/// A provider for each of two people, over their own calendars.
struct Two {
    remotes: [Box<dyn CalendarRemote>; 2],
    calendars: [CollectionKey; 2],
    addresses: [String; 2],
    outsider: String,
}

const BOTH: [Who; 2] = [Who::User, Who::Guest];

impl Two {
    async fn new(harness: &mut dyn CalendarHarness) -> Self {
        let calendars = [harness.own_calendar(Who::User).await, harness.own_calendar(Who::Guest).await];
        harness.mailed().await;
        Self {
            remotes: BOTH.map(|who| harness.remote(who)),
            calendars,
            addresses: BOTH.map(|who| harness.address(who)),
            outsider: harness.outsider(),
        }
    }

    fn of(&self, who: Who) -> (&dyn CalendarRemote, &CollectionKey) {
        let number = usize::from(who == Who::Guest);
        (&*self.remotes[number], &self.calendars[number])
    }

    async fn try_apply(
        &self,
        who: Who,
        intent: u64,
        op: &CalendarOp,
    ) -> postrider_remote::Written<ItemApplied<RemoteActivity>> {
        let (remote, calendar) = self.of(who);
        remote.apply(calendar, mark(intent), op).await
    }

    async fn apply(&self, who: Who, intent: u64, op: &CalendarOp) -> RemoteActivity {
        self.try_apply(who, intent, op).await.unwrap().done().expect("it is done")
    }

    async fn now(&self, who: Who, key: &ItemKey) -> Option<RemoteActivity> {
        let (remote, calendar) = self.of(who);
        now(remote, calendar, key).await
    }

    /// Somebody's item of a meeting, found by its uid as the engine finds it.
    async fn copy(&self, who: Who, uid: &str) -> Option<RemoteActivity> {
        let (remote, calendar) = self.of(who);
        let held = held(remote, calendar).await;
        let mut found = held.items.into_values().filter(|is| is.activity.uid == uid);
        let copy = found.next();
        assert_eq!(found.next(), None, "one meeting is there once");
        copy
    }

    /// The user invites the guest, and somebody of another server, with mail. Theirs, and the guest's copy.
    async fn met(
        &self,
        harness: &mut dyn CalendarHarness,
        name: &str,
        intent: u64,
    ) -> (RemoteActivity, RemoteActivity) {
        let new = meeting(name, &[self.addresses[1].clone(), self.outsider.clone()]);
        harness.announce(Who::User, &new.uid).await;
        let made = self.apply(Who::User, intent, &create(&new, true)).await;
        harness.settle().await;
        let copy = self.copy(Who::Guest, &made.activity.uid).await.expect("it is delivered");
        harness.mailed().await;
        (made, copy)
    }

    async fn close(&self) {
        for remote in &self.remotes {
            remote.close().await;
        }
    }
}

fn response_of(is: &RemoteActivity, who: &str) -> Response {
    is.activity.people.participants.iter().find(|one| one.person.is(who)).expect("they take part").response
}

async fn assert_mailed(harness: &mut dyn CalendarHarness, mut expected: Vec<Mailed>) {
    expected.sort();
    if let Some(mailed) = harness.mailed().await {
        assert_eq!(mailed, expected);
    }
}

async fn who_is_invited_is_mailed_once_and_gets_a_copy(harness: &mut dyn CalendarHarness) {
    let two = Two::new(harness).await;
    let guests = [two.addresses[1].clone(), two.outsider.clone()];
    let new = meeting("Invited", &guests);
    harness.announce(Who::User, &new.uid).await;
    let made = two.apply(Who::User, 300, &create(&new, true)).await;
    assert_eq!(made.standing, Standing::Organizer);
    let organizer = made.activity.people.organizer.as_ref().expect("the server names the organizer");
    assert!(organizer.is(&two.addresses[0]));
    let invited = guests.iter().map(|to| mail(to, MailedWhat::Invitation)).collect();
    assert_mailed(harness, invited).await;
    harness.settle().await;
    let copy = two.copy(Who::Guest, &made.activity.uid).await.expect("it is delivered, known by its uid");
    assert_eq!((copy.standing, copy.own.response), (Standing::Attendee, Some(Response::NeedsAction)));
    assert_eq!(
        (&copy.activity.content, &copy.activity.timing),
        (&made.activity.content, &made.activity.timing)
    );
    assert!(copy.key != made.key && copy.mark.is_none(), "it is theirs, and nobody's write");
    // A change of it reaches the guest, with one mail to each.
    harness.announce(Who::User, &made.activity.uid).await;
    let moved = update(&made, true, |is| {
        (is.timing.start, is.timing.end) = (Some(at(13, 10, "UTC")), Some(at(13, 11, "UTC")));
    });
    let moved = two.apply(Who::User, 301, &moved).await;
    assert!(moved.activity.sequence > made.activity.sequence, "a new time counts");
    assert_mailed(harness, guests.iter().map(|to| mail(to, MailedWhat::Update)).collect()).await;
    let copy = two.copy(Who::Guest, &made.activity.uid).await.unwrap();
    assert_eq!(copy.activity.timing, moved.activity.timing);
    two.close().await;
}

async fn without_being_asked_nobody_is_mailed(harness: &mut dyn CalendarHarness) {
    let two = Two::new(harness).await;
    let can = two.of(Who::User).0.capabilities();
    let guests = [two.addresses[1].clone(), two.outsider.clone()];
    let made = two.apply(Who::User, 310, &create(&meeting("Silent", &guests), false)).await;
    let regardless = vec![mail(&two.outsider, MailedWhat::Invitation)];
    assert_mailed(harness, if can.mails_outsiders_regardless { regardless } else { Vec::new() }).await;
    harness.settle().await;
    let copy = two.copy(Who::Guest, &made.activity.uid).await;
    assert_eq!(copy.is_some(), can.delivers_without_mail, "mail is how it travels, or it is not");
    let changed = update(&made, false, |is| is.content.title = "Silent still".to_owned());
    let changed = two.apply(Who::User, 311, &changed).await;
    let (was, own) = (Box::new(changed.own.clone()), Own { reminders: Vec::new(), ..changed.own.clone() });
    let own = CalendarOp::UpdateOwn { target: item(&changed), was, own: Box::new(own) };
    let changed = two.apply(Who::User, 312, &own).await;
    assert_mailed(harness, Vec::new()).await;
    let cancel = CalendarOp::Cancel { target: item(&changed), notify: false };
    assert_eq!(two.try_apply(Who::User, 313, &cancel).await, Ok(ItemApplied::Removed));
    let regardless = vec![mail(&two.outsider, MailedWhat::Cancellation)];
    assert_mailed(harness, if can.mails_outsiders_regardless { regardless } else { Vec::new() }).await;
    two.close().await;
}

async fn a_lost_answer_mails_nobody_twice(harness: &mut dyn CalendarHarness) {
    let two = Two::new(harness).await;
    let guests = [two.addresses[1].clone()];
    let new = meeting("Unheard of", &guests);
    harness.announce(Who::User, &new.uid).await;
    if !harness.ill(Some(Ill::AnswersLost)).await {
        return;
    }
    let failed = two.try_apply(Who::User, 320, &create(&new, true)).await.unwrap_err();
    assert_eq!(failed.reach, Reach::Unknown);
    harness.ill(None).await;
    harness.settle().await;
    let (remote, calendar) = two.of(Who::User);
    let made = remote.find(calendar, mark(320)).await.unwrap().expect("it was made");
    assert_mailed(harness, vec![mail(&guests[0], MailedWhat::Invitation)]).await;
    // A change whose answer is lost: sent again it is stale, and what is there is what was wanted.
    harness.announce(Who::User, &made.activity.uid).await;
    let change = update(&made, true, |is| is.content.title = "Heard of".to_owned());
    harness.ill(Some(Ill::AnswersLost)).await;
    let failed = two.try_apply(Who::User, 321, &change).await.unwrap_err();
    assert_eq!(failed.reach, Reach::Unknown);
    harness.ill(None).await;
    assert_eq!(two.try_apply(Who::User, 321, &change).await, Ok(ItemApplied::Stale));
    assert_eq!(two.now(Who::User, &made.key).await.unwrap().activity.content.title, "Heard of");
    assert_mailed(harness, vec![mail(&guests[0], MailedWhat::Update)]).await;
    two.close().await;
}

async fn who_was_invited_changes_nothing_of_it(harness: &mut dyn CalendarHarness) {
    let two = Two::new(harness).await;
    let (made, copy) = two.met(harness, "Not theirs", 330).await;
    let change = update(&copy, false, |is| is.content.title = "Mine now".to_owned());
    let cancel = CalendarOp::Cancel { target: item(&copy), notify: false };
    for (intent, op) in [(331, change), (332, cancel)] {
        let failed = two.try_apply(Who::Guest, intent, &op).await.unwrap_err();
        let class = postrider_model::ErrorClass::Permanent;
        assert_eq!((failed.reach, failed.fault.class), (Reach::NotDone, class), "{failed}");
    }
    let own = Own { categories: Vec::new(), show_as: postrider_model::ShowAs::Free, ..copy.own.clone() };
    let was = Box::new(copy.own.clone());
    let own = CalendarOp::UpdateOwn { target: item(&copy), was, own: Box::new(own) };
    let changed = two.apply(Who::Guest, 333, &own).await;
    assert_eq!(changed.own.show_as, postrider_model::ShowAs::Free, "what is their own is theirs");
    assert_eq!((changed.activity, changed.own.response), (copy.activity, copy.own.response));
    assert_eq!(two.now(Who::User, &made.key).await.unwrap().activity, made.activity);
    assert_mailed(harness, Vec::new()).await;
    // Who organizes it does not answer it.
    let made = two.now(Who::User, &made.key).await.unwrap();
    let answer = CalendarOp::Respond { target: item(&made), response: Response::Declined, notify: false };
    assert_eq!(two.try_apply(Who::User, 334, &answer).await.unwrap_err().reach, Reach::NotDone);
    two.close().await;
}

async fn an_answer_reaches_the_organizer(harness: &mut dyn CalendarHarness) {
    let two = Two::new(harness).await;
    let (made, copy) = two.met(harness, "Answered", 340).await;
    let can = two.of(Who::User).0.capabilities();
    let answer = |copy: &RemoteActivity, response, notify| CalendarOp::Respond {
        target: item(copy),
        response,
        notify,
    };
    let silent = two.apply(Who::Guest, 341, &answer(&copy, Response::Tentative, false)).await;
    assert_eq!(silent.own.response, Some(Response::Tentative));
    assert_eq!(response_of(&silent, &two.addresses[1]), Response::Tentative);
    assert_mailed(harness, Vec::new()).await;
    let told = response_of(&two.now(Who::User, &made.key).await.unwrap(), &two.addresses[1]);
    let expected = if can.delivers_without_mail { Response::Tentative } else { Response::NeedsAction };
    assert_eq!(told, expected);
    harness.announce(Who::Guest, &copy.activity.uid).await;
    let copy = two.apply(Who::Guest, 342, &answer(&silent, Response::Accepted, true)).await;
    assert_mailed(harness, vec![mail(&two.addresses[0], MailedWhat::Reply)]).await;
    harness.settle().await;
    let theirs = two.now(Who::User, &made.key).await.unwrap();
    assert_eq!(response_of(&theirs, &two.addresses[1]), Response::Accepted);
    assert_eq!(response_of(&theirs, &two.outsider), Response::NeedsAction, "each answers alone");
    assert_ne!(theirs.version, made.version);
    // The organizer's next change leaves the answer.
    let change = update(&theirs, false, |is| is.content.title = "Answered, titled".to_owned());
    let changed = two.apply(Who::User, 343, &change).await;
    assert_eq!(response_of(&changed, &two.addresses[1]), Response::Accepted);
    assert_eq!(two.now(Who::Guest, &copy.key).await.unwrap().own.response, Some(Response::Accepted));
    // So does one with another client.
    assert!(harness.act(Who::Guest, &copy.key, Deed::Respond(Response::Declined)).await);
    assert_eq!(
        response_of(&two.now(Who::User, &made.key).await.unwrap(), &two.addresses[1]),
        Response::Declined
    );
    two.close().await;
}

async fn what_is_called_off_is_so_for_all(harness: &mut dyn CalendarHarness) {
    let two = Two::new(harness).await;
    let (made, copy) = two.met(harness, "Called off", 350).await;
    let (remote, calendar) = two.of(Who::Guest);
    let mut theirs = held(remote, calendar).await;
    harness.announce(Who::User, &made.activity.uid).await;
    let cancel = CalendarOp::Cancel { target: item(&made), notify: true };
    assert_eq!(two.try_apply(Who::User, 351, &cancel).await, Ok(ItemApplied::Removed));
    assert_eq!(two.try_apply(Who::User, 352, &cancel).await, Ok(ItemApplied::Gone));
    let told = [&two.addresses[1], &two.outsider].map(|to| mail(to, MailedWhat::Cancellation));
    assert_mailed(harness, told.to_vec()).await;
    harness.settle().await;
    let reading = theirs.follow(remote).await;
    match theirs.items.get(&copy.key) {
        Some(still) => assert_eq!(still.activity.content.status, Status::Cancelled, "it stays, marked"),
        None => assert_eq!(reading.gone_keys(), std::slice::from_ref(&copy.key)),
    }
    // So does one with another client.
    let (made, copy) = two.met(harness, "Called off elsewhere", 353).await;
    assert!(harness.act(Who::User, &made.key, Deed::Cancel(None)).await);
    let (remote, calendar) = two.of(Who::User);
    let answers = remote.fetch(calendar, std::slice::from_ref(&made.key)).await.unwrap();
    assert_eq!(answers, [ActivityChange::Gone { key: made.key.clone() }]);
    let copy = two.now(Who::Guest, &copy.key).await;
    assert!(copy.is_none_or(|is| is.activity.content.status == Status::Cancelled));
    two.close().await;
}

async fn who_deletes_a_copy_deletes_no_more(harness: &mut dyn CalendarHarness) {
    let two = Two::new(harness).await;
    let (made, copy) = two.met(harness, "Kept", 360).await;
    let delete = CalendarOp::Delete { target: item(&copy), notify: false };
    assert_eq!(two.try_apply(Who::Guest, 361, &delete).await, Ok(ItemApplied::Removed));
    assert_mailed(harness, Vec::new()).await;
    let still = two.now(Who::User, &made.key).await.expect("it takes place");
    assert_eq!(
        (still.activity.content.status, &still.activity.timing),
        (Status::Open, &made.activity.timing)
    );
    assert!(response_of(&still, &two.addresses[1]) != Response::Accepted);
    assert_eq!(two.copy(Who::Guest, &made.activity.uid).await, None);
    two.close().await;
}

async fn who_is_asked_no_more_loses_the_copy(harness: &mut dyn CalendarHarness) {
    let two = Two::new(harness).await;
    let (made, copy) = two.met(harness, "Alone", 370).await;
    harness.announce(Who::User, &made.activity.uid).await;
    let outsider = two.outsider.clone();
    let alone = update(&made, true, |is| is.people.participants.retain(|one| one.person.is(&outsider)));
    two.apply(Who::User, 371, &alone).await;
    let expected =
        vec![mail(&two.addresses[1], MailedWhat::Cancellation), mail(&two.outsider, MailedWhat::Update)];
    assert_mailed(harness, expected).await;
    let copy = two.now(Who::Guest, &copy.key).await;
    assert!(copy.is_none_or(|is| is.activity.content.status == Status::Cancelled));
    two.close().await;
}

async fn hidden_guests_are_told_to_be_hidden(harness: &mut dyn CalendarHarness) {
    let two = Two::new(harness).await;
    let (made, copy) = two.met(harness, "Discreet", 380).await;
    assert!(!copy.guests_hidden && copy.activity.people.participants.len() == 2);
    if harness.act(Who::User, &made.key, Deed::HideGuests).await {
        let copy = two.now(Who::Guest, &copy.key).await.unwrap();
        assert!(copy.guests_hidden, "so that nobody takes the list for whole");
        let theirs = two.now(Who::User, &made.key).await.unwrap();
        assert!(!theirs.guests_hidden && theirs.activity.people.participants.len() == 2);
    }
    two.close().await;
}
