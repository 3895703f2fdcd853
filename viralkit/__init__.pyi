from .models.bass import Bass as Bass
from .models.growth import Exponential as Exponential
from .models.growth import Gompertz as Gompertz
from .models.growth import Linear as Linear
from .models.growth import Logistic as Logistic
from .tables import TableError as TableError
from .tables import check as check
