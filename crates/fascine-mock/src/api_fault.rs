use crate::problem::Problem;
use crate::reply::{Reply, ReplyBody};
use crate::{Api, Fault, error_shape};

/// Lets those faults befall a reply that have the form of the API; the others are a matter of its delivery.
pub(crate) fn befall(api: Api, fault: &Fault, reply: &mut Reply) {
    match fault {
        Fault::ErrorAtEvent(at) => {
            let problem = Problem::of_status(529);
            match &mut reply.body {
                ReplyBody::Events(events) => {
                    events.truncate(*at);
                    events.push(error_shape::frame(api, &problem));
                }
                ReplyBody::Whole(_) => *reply = error_shape::reply(api, &problem),
            }
        }
        Fault::Status(status) => *reply = error_shape::reply(api, &Problem::of_status(*status)),
        Fault::TooManyRequests { retry_after } => {
            let mut problem = Problem::of_status(429);
            problem.retry_after = Some(*retry_after);
            *reply = error_shape::reply(api, &problem);
        }
        _ => {}
    }
}
