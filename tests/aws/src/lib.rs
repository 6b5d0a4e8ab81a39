//! AWS as the tests need it: Secrets Manager by its documented rules, a recording proxy, a Runtime API host
