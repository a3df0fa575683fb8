def queries():
    return iter(())
