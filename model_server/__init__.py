"""A local model server that speaks TensorFlow Serving's gRPC and REST APIs.

It runs exported models on any machine the way TensorFlow Serving runs them in production: the same
flags, the same calls, the same status codes, the same session underneath. Layers, top to bottom:

    main        reads the flags, starts and stops the process
    assembly    puts the parts together from the settings
    rpc, rest   the gRPC services and the REST API: convert, call, convert
    calls       what each call answers, before it is gRPC or HTTP
    lifecycle   which versions are wanted, loaded, served and unloaded
    servables   one loaded version: its signatures, Predict, warm-up
    batching    gathers the runs of a version before its session
    engine      TensorFlow's session, through its C API
    metrics     what is counted, under TensorFlow Serving's names

The process never imports the Python package `tensorflow`: it starts in a second.
"""
