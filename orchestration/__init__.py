"""Holdfast's engine room: gate, schedule, audit and release of the warehouse."""
