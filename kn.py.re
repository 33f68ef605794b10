rushlight run: there is no file kn.py
