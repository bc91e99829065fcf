"""Instruments in the formats of other tools: REDCap data dictionaries and XLSForms, both ways."""
