"""The referee: it checks a network that somebody wrote from scratch, and names its mistakes.

The way of the work: `places` and `subject` find the numbers in the object, `feeding`, `stepping`
and `trial` how its methods are called, `losses` which loss is meant. `probes` takes central
differences. Where these are not what was used, `chain` reconstructs the network from outside,
`suspects` and `search` find the formula that gives what was used, and `naming` puts it into words.
"""

from glassnet.insight.referee.judge import referee
from glassnet.insight.referee.report import Finding, Report
from glassnet.insight.referee.userfile import check

__all__ = ["Finding", "Report", "check", "referee"]
