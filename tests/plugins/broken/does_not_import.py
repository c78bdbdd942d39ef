"""A broken method: a package that is not there."""

import torhc
