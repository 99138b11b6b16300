"""Infra Standard, and what all scripts of the runtime rest on."""
