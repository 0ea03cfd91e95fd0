"""Statistics on small aggregates that SQL has made: pure functions for the dbt Python models.

dbt runs several of these models at once, in threads, and importing is not safe then: while it is
imported, autograd (of lifelines) walks over the names of numpy, to which other imports add, and the
model fails: "dictionary changed size during iteration". What the models need is therefore imported
here: Python lets one thread import a package, and all others wait for it.
"""

# Imported for the models, not for this file.
import lifelines  # noqa: F401
import numpy.typing  # noqa: F401
import pyarrow  # noqa: F401
import scipy.optimize
import scipy.stats  # noqa: F401
import statsmodels.regression.linear_model
import statsmodels.stats.nonparametric
import statsmodels.stats.proportion
import statsmodels.stats.weightstats  # noqa: F401
