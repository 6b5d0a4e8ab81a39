//! From a storage host's name to the addresses that are connected to.
//!
//! The HTTP client asks once for each connection it opens, and connects to what is answered here and to
//! nothing else. So the address that is checked is the address that is used, and a name that changes
//! its addresses in between (DNS rebinding) gains nothing. Address literals never get here: a storage
//! URL may not hold one ([`UploadUrl`](crate::UploadUrl)).

use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::address::Reach;

/// Addresses that are all within a reach, or none.
pub(crate) struct Guarded {
    pub(crate) reach: Reach,
    pub(crate) lookup: Arc<dyn Resolve>,
}

impl Resolve for Guarded {
    /// One address out of reach refuses the name: which of them would be used is not for us to say, and
    /// no honest storage host has one.
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, host) = (self.reach, name.as_str().to_owned());
        let looking_up = self.lookup.resolve(name);
        Box::pin(async move {
            let addresses: Vec<_> = looking_up.await?.collect();
            for address in &addresses {
                reach.check(&host, address.ip())?;
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// The operating system's resolver.
pub(crate) struct SystemLookup;

impl Resolve for SystemLookup {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // Port 0 stands for the URL's.
            let addresses: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
