from .tables import TableError as TableError
from .tables import check as check
