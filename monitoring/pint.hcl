# What pint holds the generated rules to; a test runs it.

parser {
  include = [".*"]
}

checks {
  # Groups are evaluated at the same pace: a sample is at most one interval old, and `for` is longer.
  disabled = ["rule/dependency"]
}

rule {
  match {
    kind = "alerting"
  }
  label "severity" {
    severity = "bug"
    value    = "page|ticket|none"
    required = true
  }
  label "component" {
    severity = "bug"
    required = true
  }
  annotation "summary" {
    severity = "bug"
    required = true
  }
  annotation "description" {
    severity = "bug"
    required = true
  }
  annotation "runbook_url" {
    severity = "bug"
    value    = "https?://.+/{{ $alert }}[.]md"
    required = true
  }
}

rule {
  match {
    name = "Watchdog"
  }
  # It is there to fire always.
  disable = ["alerts/comparison"]
}
