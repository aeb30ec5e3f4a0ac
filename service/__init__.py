"""The gateway: texts in, answers with attention out, in front of any TensorFlow Serving."""
