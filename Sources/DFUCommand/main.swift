print("dfu: not built yet")
