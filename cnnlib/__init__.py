"""Reference library of the course: what the lessons ask students to build, one module per topic.

It imports torch and the standard library only, and safetensors to read weights. Read a module after
its lesson: each opens with a short lecture, and every function is equal to torch's in value and
gradient.
"""
