//! What can befall a call.

use std::fmt;

/// Which service a call is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Service {
    /// The registry's table.
    DynamoDb,
    /// The vault's secrets.
    SecretsManager,
    /// The sealing of keys.
    Kms,
    /// The function's own queue.
    Sqs,
    /// The bus.
    EventBridge,
    /// The bucket.
    S3,
    /// The vendor.
    Vendor,
}

/// A call that a function makes: every one passes the same gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Site {
    /// To whom.
    pub service: Service,
    /// Which.
    pub operation: &'static str,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.service, self.operation)
    }
}

/// What befalls a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// It never leaves.
    Refused,
    /// It is answered with this status and has no effect.
    Status(u16),
    /// No answer comes, and it had no effect.
    Lost,
    /// No answer comes, and it had its effect.
    Unheard,
    /// No answer comes, and its effect lands later, within `settle`.
    Late,
    /// The function is killed before it.
    CrashBefore,
    /// The function is killed after it.
    CrashAfter,
    /// The same message is delivered once more, and that delivery runs to its end before the call.
    Twice,
    /// The function stands still until its lease has ended and another delivery has run to its end;
    /// then the call lands, and the function is killed: its time is long over.
    Overtaken,
    /// What it writes is listed later, within `settle`.
    ListedLate,
    /// Both: no answer comes, and what it wrote is listed later.
    UnheardAndListedLate,
    /// The client that it makes is accepted later.
    AcceptedLate,
    /// It is answered, and the bytes break off in the middle.
    Cut,
}

/// The five classes of which every pair is made.
pub const CLASSES: [Fault; 5] =
    [Fault::Refused, Fault::Lost, Fault::Unheard, Fault::CrashBefore, Fault::CrashAfter];

/// Every fault that can befall a call of AWS.
const AWS: [Fault; 8] = [
    Fault::Cut,
    Fault::Status(400),
    Fault::Lost,
    Fault::Unheard,
    Fault::CrashBefore,
    Fault::CrashAfter,
    Fault::Twice,
    Fault::Overtaken,
];

/// Every fault that can befall a call of the vendor.
const VENDOR: [Fault; 16] = [
    Fault::Refused,
    Fault::Status(400),
    Fault::Status(401),
    Fault::Status(403),
    Fault::Status(404),
    Fault::Status(429),
    Fault::Lost,
    Fault::Unheard,
    Fault::Late,
    Fault::CrashBefore,
    Fault::CrashAfter,
    Fault::Twice,
    Fault::Overtaken,
    Fault::ListedLate,
    Fault::UnheardAndListedLate,
    Fault::AcceptedLate,
];

impl Site {
    /// Everything that can befall it.
    pub fn faults(self) -> impl Iterator<Item = Fault> {
        let all: &[Fault] = if self.service == Service::Vendor { &VENDOR } else { &AWS };
        all.iter().copied().filter(move |fault| self.can_suffer(*fault))
    }

    /// Some faults differ from others at some calls only.
    pub(crate) fn can_suffer(self, fault: Fault) -> bool {
        let writes = !self.operation.starts_with("get") && self.operation != "token";
        match fault {
            Fault::Late => writes,
            Fault::ListedLate | Fault::UnheardAndListedLate => writes && self.operation.contains("Tenant"),
            // That it does not have what it has, the vendor does not say: nothing else tells of a submission.
            Fault::Status(404) => self.operation != "deleteSubmission",
            Fault::Cut => self.operation == "GetObject",
            Fault::AcceptedLate => self.operation == "createTenantApplication",
            _ => true,
        }
    }
}
