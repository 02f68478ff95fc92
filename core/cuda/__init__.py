"""The GPU through the smallest interface that engines need: what is there (`driver`), memory and streams (`memory`)."""
