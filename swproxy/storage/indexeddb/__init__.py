"""IndexedDB on disk (https://w3c.github.io/IndexedDB/): one SQLite file per database, in a directory of its own.

- ``keys``: keys as bytes that sort as keys do.
- ``values``: values as the bytes of a row.
- ``database``: one connection to a database, with ``reading`` and ``upgrading`` for its parts of the work.
- ``schema``: the tables, and how a database begins.
- ``part_files``: large parts of values, in files beside the SQLite file.
- ``failures``: errors of SQLite and of the disk as sentences.
- ``directory``: the databases of an origin.
- ``describe``: values as JSON, for people.
"""
