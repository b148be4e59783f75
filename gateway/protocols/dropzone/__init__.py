"""The multipart forms of Dropzone, and of the first clients."""
