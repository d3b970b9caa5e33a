//! How use cases of this process have the keeper do something, from whatever thread they are called on.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use postrider_model::{AccountReport, ErrorClass, Fault};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::stopping;
use crate::service::{
    Following, RunOutcome, RunRequest, Supervisor, Turn, failed_report,
    follow::{Ask, Together},
};
use crate::sync::Plan;

/// How long a run that is under way is waited for by what cannot be done beside it. A first load takes hours.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the keeper is to do.
pub(super) enum Order {
    /// Have that account's follower run it.
    Ask {
        /// The account.
        account: String,
        /// What is wanted.
        ask: Ask,
    },
    /// Read the configuration anew.
    Reload {
        /// Takes how it went.
        answer: Box<dyn FnOnce(Result<Vec<String>, Fault>) + Send>,
    },
}

/// The keeper, as others of this process see it.
#[derive(Clone)]
pub struct Handle {
    orders: mpsc::UnboundedSender<Order>,
    together: Arc<Together>,
}

impl Handle {
    pub(super) const fn new(orders: mpsc::UnboundedSender<Order>, together: Arc<Together>) -> Self {
        Self { orders, together }
    }

    pub(super) fn order(&self, order: Order) {
        // A keeper that stopped has nobody to answer; whoever waits sees that by the answer that never comes.
        let _ = self.orders.send(order);
    }
}

#[async_trait]
impl Supervisor for Handle {
    async fn run(&self, request: RunRequest) -> Result<RunOutcome, Fault> {
        let run = postrider_model::RunId(self.together.ports.entropy.next_u64());
        let mut waiting = Vec::new();
        for account in &request.accounts {
            let (answer, answered) = oneshot::channel();
            let ask = Ask { request: request.clone(), run, answer };
            self.order(Order::Ask { account: account.clone(), ask });
            waiting.push(answered);
        }
        let (mut accounts, mut plans) = (Vec::new(), Vec::new());
        for (account, answered) in request.accounts.iter().zip(waiting) {
            let (report, plan) = answered.await.unwrap_or_else(|_| left(account));
            accounts.push(report);
            plans.push(plan);
        }
        Ok(RunOutcome { report: postrider_model::RunReport { run, accounts }, plans })
    }

    async fn turn(&self, account: &str) -> Result<Turn, Fault> {
        let seat = self.together.board.seat(account);
        match timeout(PATIENCE, seat.turn()).await {
            Ok(turn) => Ok(Turn::new(turn)),
            Err(_) => {
                let cause = "a run of it is under way";
                Err(Fault::new(ErrorClass::Busy, format!("speak to the server of account {account}"), cause)
                    .hint("try again when it is over; `postrider status` tells"))
            }
        }
    }

    fn following(&self, account: &str) -> Option<Following> {
        self.together.board.following(account)
    }

    async fn reload(&self) -> Result<Vec<String>, Fault> {
        let (answer, answered) = oneshot::channel();
        let answer = Box::new(move |outcome| drop(answer.send(outcome)));
        self.order(Order::Reload { answer });
        answered.await.unwrap_or_else(|_| Err(stopping()))
    }
}

/// What is told of an account that nobody follows any more: it was removed, has other settings since, or the daemon is stopping.
fn left(account: &str) -> (AccountReport, Plan) {
    let cause = "its settings changed, or the daemon is stopping";
    let fault = Fault::new(ErrorClass::Transient, format!("run account {account}"), cause);
    (failed_report(account, &fault.hint("try again in a moment")), Plan::default())
}
