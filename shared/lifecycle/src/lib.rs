//! The flows that several functions share: provide, prove, adopt, retire an application
