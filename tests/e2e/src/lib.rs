//! Journeys, contracts and tidiness
