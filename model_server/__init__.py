"""A local model server that speaks TensorFlow Serving's gRPC API.

It runs exported models on any machine the way TensorFlow Serving runs them in production: the same
flags, the same calls, the same status codes, the same session underneath. Layers, top to bottom:

    main        reads the flags, starts and stops the process
    rpc         the gRPC services: convert, call, convert
    lifecycle   which versions are wanted, loaded, served and unloaded
    servables   one loaded version: its signatures, Predict, warm-up
    engine      TensorFlow's session, through its C API

The process never imports the Python package `tensorflow`: it starts in a second.
"""
